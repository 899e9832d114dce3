/**
 * Commands on a cluster of Apache Spark: the same options and services as on the command line, cut
 * into shards, or into the workers of data-parallel training.
 */
package org.ttame.spark;

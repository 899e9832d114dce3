/** Several trainings and what is measured of each, as one job: ablations and searches. */
package org.ttame.eval.experiment;

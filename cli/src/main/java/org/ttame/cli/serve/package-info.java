/** The page and the REST interface of {@code ttame serve}: HTTP before the services' work. */
package org.ttame.cli.serve;

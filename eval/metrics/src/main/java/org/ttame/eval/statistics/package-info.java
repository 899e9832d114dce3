/** How sure a mean over images is: bootstrap intervals, and differences on the same images. */
package org.ttame.eval.statistics;

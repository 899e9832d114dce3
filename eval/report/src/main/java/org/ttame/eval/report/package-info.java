/**
 * Results as pages that need nothing but themselves: {@code Page} and {@code Section} make the
 * frame, templates, styles and scripts lie beside the classes as files.
 */
package org.ttame.eval.report;

/** Pictures and maps of a few images, kept while an evaluation goes through all of them. */
package org.ttame.eval.gallery;

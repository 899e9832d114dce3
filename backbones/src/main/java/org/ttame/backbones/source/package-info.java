/** What a backbone is read from, how it is to be read, and what is said when it cannot be. */
package org.ttame.backbones.source;

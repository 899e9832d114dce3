/**
 * The work of every command as a class: options in, a listener for progress, a result out. The
 * command line is one front end of these; a program may call them just as well.
 */
package org.ttame.services;

package org.ttame.core.image;

/**
 * A checked picture, ready for the native decoder.
 *
 * @param format its name for people
 * @param width as its header says, within the limits
 * @param height as its header says, within the limits
 * @param bytes a file of its own with nothing but the picture; not copied
 */
@SuppressWarnings("ArrayRecordComponent") // Passed from one method to the next, never compared.
record EncodedImage(String format, int width, int height, byte[] bytes) {}

/**
 * Images: from files of unknown origin to the floats a classifier takes, and back to PNG.
 *
 * <p>{@link org.ttame.core.image.ImageReader} decodes within {@link
 * org.ttame.core.image.ImageLimits} to an {@link org.ttame.core.image.RgbImage}; {@link
 * org.ttame.core.image.CropPlan} says which square of the resized picture is used, and {@link
 * org.ttame.core.image.Preprocessing} makes it floats:
 *
 * <pre>{@code
 * ImageReader reader = new ImageReader();
 * Preprocessing preprocessing = new Preprocessing(InputSpec.imageNet(224));
 * RgbImage image = reader.read(Path.of("cat.jpg"));
 * float[] unit = new float[preprocessing.length()]; // 224·224·3 in [0,1], rows, columns, RGB
 * preprocessing.write(image, preprocessing.testPlan(image), unit, 0);
 * preprocessing.standardise(unit); // (unit − mean)/std
 * }</pre>
 *
 * <p>Decoding and resizing give the pixels that Pillow gives; the module's docs/images.md says
 * where they differ and what is done about hostile files. All classes are safe for use by several
 * threads and keep no native memory.
 */
package org.ttame.core.image;

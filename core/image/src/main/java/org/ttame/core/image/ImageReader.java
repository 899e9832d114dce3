package org.ttame.core.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.Printable;

/**
 * Reads JPEG, PNG, WebP, BMP and GIF files of unknown origin as 8-bit RGB.
 *
 * <p>The format is told by the content, never by the name. Sizes are checked against limits before
 * anything is decoded, and only a cleaned copy of the file (no metadata, nothing cut off) reaches
 * the native decoders.
 *
 * <p>Pixels are those of Pillow's {@code convert("RGB")}: EXIF orientation and colour profiles
 * ignored, alpha dropped, palettes and grey spread to three channels, CMYK converted, the first
 * frame of an animation. Unlike in Pillow, 16-bit samples become round(v/257).
 *
 * <p>Instances are immutable; one serves any number of threads.
 */
public final class ImageReader {
  /** As many bytes of a file tell what it is. */
  public static final int START = 1024;

  private final ImageLimits limits;

  /** A reader with the default limits. */
  public ImageReader() {
    this(ImageLimits.DEFAULT);
  }

  /**
   * A reader.
   *
   * @param limits what an image may ask for
   */
  public ImageReader(ImageLimits limits) {
    this.limits = Objects.requireNonNull(limits);
  }

  /**
   * Reads a file.
   *
   * @param file its path; links are followed
   * @throws ImageException if there is no such image, with a sentence that says why
   */
  public RgbImage read(Path file) throws ImageException {
    String name = Printable.of(FileNames.shown(file));
    return decode(load(file, name), name);
  }

  /**
   * Decodes a file that is in memory.
   *
   * @param bytes the whole file
   * @param name what messages call it
   * @throws ImageException if the bytes are no image that can be read
   */
  public RgbImage decode(byte[] bytes, String name) throws ImageException {
    String shown = Printable.of(name);
    try {
      if (bytes.length > limits.maxBytes()) {
        throw tooManyBytes(bytes.length);
      }
      return decode(bytes);
    } catch (Refusal e) {
      throw new ImageException(e.kind(), shown, e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      throw new ImageException(
          Kind.TOO_LARGE,
          shown,
          "the memory is too small to decode it; give Java more (-Xmx) or shrink the image",
          e);
    }
  }

  private RgbImage decode(byte[] bytes) throws Refusal {
    return switch (ImageFormat.of(bytes)) {
      case JPEG -> OpenCvDecoder.decode(JpegFile.check(bytes, limits));
      case PNG -> OpenCvDecoder.decode(PngFile.check(bytes, limits));
      case WEBP -> {
        WebpFile webp = WebpFile.check(bytes, limits);
        yield webp.place(webp.decodeFrame());
      }
      case BMP -> BmpDecoder.decode(bytes, limits);
      case GIF -> GifDecoder.decode(bytes, limits);
    };
  }

  /**
   * Tells images from other files.
   *
   * @param start the first {@link #START} bytes of a file, or all there are
   * @return the name of its format, whether it is read here or not; empty if it is no image
   */
  public static Optional<String> formatOf(byte[] start) {
    return ImageFormat.nameOf(start);
  }

  private Refusal tooManyBytes(long size) {
    return Refusal.tooLarge(
        Text.format("the file has %d bytes, more than the limit of %d", size, limits.maxBytes()));
  }

  /** Reads a regular file, never a device or a pipe, which may have no end. */
  private byte[] load(Path file, String name) throws ImageException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw new ImageException(Kind.UNREADABLE, name, "this is a folder, not an image", null);
      }
      if (!attributes.isRegularFile()) {
        throw new ImageException(
            Kind.UNREADABLE, name, "this is a device or a pipe, not an image file", null);
      }
      if (attributes.size() > limits.maxBytes()) {
        Refusal refusal = tooManyBytes(attributes.size());
        throw new ImageException(refusal.kind(), name, refusal.getMessage(), null);
      }
      try (InputStream in = Files.newInputStream(file)) {
        // The file may have grown since: one byte more than allowed tells.
        return in.readNBytes(limits.maxBytes() + 1);
      }
    } catch (ImageException e) {
      throw e;
    } catch (NoSuchFileException e) {
      throw new ImageException(Kind.MISSING, name, "there is no such file", e);
    } catch (AccessDeniedException e) {
      throw new ImageException(Kind.UNREADABLE, name, "reading it is not permitted", e);
    } catch (OutOfMemoryError e) {
      throw new ImageException(
          Kind.TOO_LARGE, name, "the memory is too small to read it; give Java more (-Xmx)", e);
    } catch (IOException e) {
      throw new ImageException(
          Kind.UNREADABLE,
          name,
          "reading failed: " + Printable.of(String.valueOf(e.getMessage())),
          e);
    }
  }
}

package org.ttame.core.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.ttame.core.Text;

/** Decodes checked pictures with datavec's OpenCV. */
final class OpenCvDecoder {
  /** Three channels whatever the file has, without alpha; 16 bits stay 16; nothing is rotated. */
  private static final int FLAGS =
      opencv_imgcodecs.IMREAD_COLOR
          | opencv_imgcodecs.IMREAD_ANYDEPTH
          | opencv_imgcodecs.IMREAD_IGNORE_ORIENTATION;

  private OpenCvDecoder() {}

  /**
   * Decodes a checked picture; refused if OpenCV cannot or finds another size than the check did.
   */
  static RgbImage decode(EncodedImage image) throws Refusal {
    // First of all: if the heap is too small, nothing needs decoding.
    byte[] samples = new byte[3 * image.width() * image.height()];
    try (BytePointer bytes = new BytePointer(image.bytes());
        Mat file = new Mat(1, image.bytes().length, opencv_core.CV_8UC1, bytes);
        Mat pixels = decode(image, file)) {
      if (pixels == null || pixels.empty()) {
        throw damaged(image, null);
      }
      if (pixels.cols() != image.width() || pixels.rows() != image.height()) {
        throw Refusal.corrupt(
            Text.format(
                "the header says %d×%d pixels, the %s data %d×%d",
                image.width(), image.height(), image.format(), pixels.cols(), pixels.rows()));
      }
      if (pixels.type() == opencv_core.CV_8UC3) {
        copy8Bits(pixels, samples);
        return RgbImage.wrap(image.width(), image.height(), samples);
      }
      if (pixels.type() == opencv_core.CV_16UC3) {
        copy16Bits(pixels, samples);
        return RgbImage.wrap(image.width(), image.height(), samples);
      }
      throw Refusal.unsupported(
          Text.format(
              "the %s decodes to samples of OpenCV's type %d", image.format(), pixels.type()));
    }
  }

  private static Mat decode(EncodedImage image, Mat file) throws Refusal {
    try {
      return opencv_imgcodecs.imdecode(file, FLAGS);
    } catch (RuntimeException e) {
      // How C++ exceptions arrive.
      throw damaged(image, e);
    }
  }

  private static Refusal damaged(EncodedImage image, Throwable cause) {
    return Refusal.corrupt(Text.format("the %s data are damaged", image.format()), cause);
  }

  private static void copy8Bits(Mat pixels, byte[] samples) {
    int row = 3 * pixels.cols();
    for (int y = 0; y < pixels.rows(); y++) {
      try (BytePointer line = pixels.ptr(y)) {
        line.get(samples, y * row, row);
      }
    }
    for (int i = 0; i < samples.length; i += 3) {
      byte blue = samples[i];
      samples[i] = samples[i + 2];
      samples[i + 2] = blue;
    }
  }

  /** 0…65535 to 0…255: divided by 257 and rounded to the nearest. */
  private static void copy16Bits(Mat pixels, byte[] samples) {
    int row = 3 * pixels.cols();
    for (int y = 0; y < pixels.rows(); y++) {
      try (BytePointer line = pixels.ptr(y)) {
        ByteBuffer buffer = line.capacity(2L * row).asByteBuffer();
        ShortBuffer values = buffer.order(ByteOrder.nativeOrder()).asShortBuffer();
        for (int x = 0; x < row; x += 3) {
          int at = y * row + x;
          samples[at] = rounded(values.get(x + 2));
          samples[at + 1] = rounded(values.get(x + 1));
          samples[at + 2] = rounded(values.get(x));
        }
      }
    }
  }

  private static byte rounded(short value) {
    return (byte) (((value & 0xFFFF) + 128) / 257);
  }
}

package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.ImageException.Kind;

/** Files that lie, are damaged, or are no images: each gets its kind and a sentence. */
class HostileImageTest {
  private final ImageReader reader = new ImageReader();

  @TempDir Path folder;

  private static byte[] golden(String name) throws IOException {
    return Files.readAllBytes(Goldens.folder("decode").resolve(name));
  }

  private void refused(byte[] bytes, Kind kind, String... parts) {
    ImageException e =
        catchThrowableOfType(ImageException.class, () -> reader.decode(bytes, "cat.img"));
    assertThat(e).isNotNull();
    assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind);
    assertThat(e.getMessage()).startsWith("cat.img: ").contains(List.of(parts));
  }

  private static byte[] chunk(String type, byte[] data) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 sum = new CRC32();
    sum.update(name);
    sum.update(data);
    return ByteBuffer.allocate(data.length + 12)
        .putInt(data.length)
        .put(name)
        .put(data)
        .putInt((int) sum.getValue())
        .array();
  }

  private static byte[] png(int width, int height, int depth, int colour, byte[]... chunks) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put(new byte[] {(byte) depth, (byte) colour, 0, 0, 0})
            .array();
    out.writeBytes(chunk("IHDR", header));
    for (byte[] chunk : chunks) {
      out.writeBytes(chunk);
    }
    out.writeBytes(chunk("IEND", new byte[0]));
    return out.toByteArray();
  }

  private static byte[] deflated(byte[] data) {
    Deflater deflater = new Deflater(9);
    deflater.setInput(data);
    deflater.finish();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] buffer = new byte[4096];
    while (!deflater.finished()) {
      out.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    return out.toByteArray();
  }

  /** The offset of the first occurrence of some bytes. */
  private static int find(byte[] bytes, int... wanted) {
    for (int at = 0; at <= bytes.length - wanted.length; at++) {
      int i = 0;
      while (i < wanted.length && (bytes[at + i] & 0xFF) == wanted[i]) {
        i++;
      }
      if (i == wanted.length) {
        return at;
      }
    }
    throw new AssertionError("not found");
  }

  @Test
  void headersThatClaimTooMuch() throws IOException {
    String claim = "100000×100000";
    refused(png(100_000, 100_000, 8, 2), Kind.TOO_LARGE, claim, "178956970");
    refused(png(-1, -1, 8, 2), Kind.TOO_LARGE, "4294967295");

    byte[] bmp = golden("rgb.bmp");
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 100_000).putInt(22, 100_000);
    refused(bmp, Kind.TOO_LARGE, claim);

    // JPEG, GIF and WebP hold 16 or 14 bits a side.
    byte[] jpeg = golden("baseline-420.jpg");
    int frame = find(jpeg, 0xFF, 0xC0);
    Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xFF);
    refused(jpeg, Kind.TOO_LARGE, "65535×65535");
    byte[] gif = golden("palette.gif");
    Arrays.fill(gif, 6, 10, (byte) 0xFF);
    refused(gif, Kind.TOO_LARGE, "65535×65535");
    byte[] webp = golden("lossy.webp");
    Arrays.fill(webp, 26, 30, (byte) 0xFF);
    refused(webp, Kind.TOO_LARGE, "16383×16383");
  }

  @Test
  void headersThatClaimMoreThanTheDataCanHold() throws IOException {
    byte[] row = deflated(new byte[100]);
    refused(png(13_000, 13_000, 8, 2, chunk("IDAT", row)), Kind.CORRUPT, "13000×13000", "too few");
    byte[] jpeg = golden("baseline-420.jpg");
    int frame = find(jpeg, 0xFF, 0xC0);
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 13_000).putShort(frame + 7, (short) 13_000);
    refused(jpeg, Kind.CORRUPT, "13000×13000", "too few");
    byte[] bmp = golden("rgb.bmp");
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 13_000);
    refused(bmp, Kind.CORRUPT, "cut off");
  }

  @Test
  void smallFilesThatUnpackToMuch() throws IOException {
    // A text of 64 MB in 64 KB: left out, not unpacked.
    byte[] text = new byte[64 << 20];
    byte[] packed = deflated(text);
    byte[] bomb =
        ByteBuffer.allocate(packed.length + 3)
            .put("a\0\0".getBytes(StandardCharsets.US_ASCII))
            .put(packed)
            .array();
    byte[] dot = deflated(new byte[] {0, 1, 2, 3});
    RgbImage image =
        reader.decode(
            png(1, 1, 8, 2, chunk("zTXt", bomb), chunk("iCCP", bomb), chunk("IDAT", dot)), "dot");
    assertThat(image.rgb(0, 0)).isEqualTo(0x010203);
    // Picture data that go on for ever.
    refused(
        png(1, 1, 8, 2, chunk("IDAT", Arrays.copyOf(packed, 2000))),
        Kind.CORRUPT,
        "more than the picture");
    // A progressive picture with thousands of scans.
    byte[] jpeg = golden("progressive-422.jpg");
    int end = jpeg.length - 2;
    int last = find(jpeg, 0xFF, 0xDA);
    int next = last + 2;
    while ((jpeg[next] & 0xFF) != 0xFF || jpeg[next + 1] == 0) {
      next++;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, end);
    for (int i = 0; i < 2000; i++) {
      out.write(jpeg, last, next - last);
    }
    out.write(jpeg, end, 2);
    refused(out.toByteArray(), Kind.TOO_LARGE, "scans");
  }

  @Test
  void cutOffAnywhere() throws IOException {
    for (String name :
        new String[] {
          "baseline-420.jpg",
          "progressive-422.jpg",
          "rgb.png",
          "palette-16.png",
          "lossy.webp",
          "lossless.webp",
          "rgb.bmp",
          "rle8.bmp",
          "palette.gif"
        }) {
      byte[] whole = golden(name);
      for (double part : new double[] {0.3, 0.6, 0.9}) {
        byte[] bytes = Arrays.copyOf(whole, (int) (whole.length * part));
        ImageException e =
            catchThrowableOfType(ImageException.class, () -> reader.decode(bytes, name));
        assertThat(e).as("%s, %s of it", name, part).isNotNull();
        assertThat(e.kind()).as(e.getMessage()).isEqualTo(Kind.CORRUPT);
      }
    }
    // OpenCV alone would fill in grey and say nothing.
    byte[] jpeg = golden("baseline-420.jpg");
    refused(Arrays.copyOf(jpeg, jpeg.length - 2), Kind.CORRUPT, "cut off", "after");
  }

  @Test
  void anEndMarkerAfterThePictureMayBeMissingInPng() throws IOException {
    byte[] png = golden("rgb.png");
    RgbImage whole = reader.decode(png, "whole");
    assertThat(reader.decode(Arrays.copyOf(png, png.length - 12), "cut").samples())
        .isEqualTo(whole.samples());
  }

  @Test
  void damagedChecksum() throws IOException {
    byte[] png = golden("rgb.png");
    png[find(png, 'I', 'D', 'A', 'T') + 50] ^= 1;
    refused(png, Kind.CORRUPT, "checksum");
  }

  @Test
  void notImages() {
    refused(new byte[0], Kind.NOT_AN_IMAGE, "empty");
    byte[] text = "Dear Sir or Madam,\n".getBytes(StandardCharsets.US_ASCII);
    refused(text, Kind.NOT_AN_IMAGE, "\"Dear Sir or ");
    refused(new byte[10_000], Kind.NOT_AN_IMAGE, "00 00 00 00");
    byte[] bm = "BMW sells cars, not images".getBytes(StandardCharsets.US_ASCII);
    refused(bm, Kind.NOT_AN_IMAGE, "\"BMW sells");
  }

  @Test
  void imagesOfOtherKinds() {
    byte[] tiff = {'I', 'I', 42, 0, 8, 0, 0, 0};
    refused(tiff, Kind.UNSUPPORTED, "TIFF");
    byte[] avif = {0, 0, 0, 32, 'f', 't', 'y', 'p', 'a', 'v', 'i', 'f'};
    refused(avif, Kind.UNSUPPORTED, "AVIF or HEIC");
  }

  @Test
  void theNameCountsForNothing() throws IOException {
    Path file = folder.resolve("photo.jpg");
    Files.write(file, golden("rgb.png"));
    assertThat(reader.read(file).width()).isEqualTo(45);
  }

  @Test
  void filesThatCannotBeRead() throws IOException {
    Path missing = folder.resolve("missing.png");
    ImageException e = catchThrowableOfType(ImageException.class, () -> reader.read(missing));
    assertThat(e.kind()).isEqualTo(Kind.MISSING);
    assertThat(e).hasMessageContaining("missing.png: there is no such file");

    e = catchThrowableOfType(ImageException.class, () -> reader.read(folder));
    assertThat(e.kind()).isEqualTo(Kind.UNREADABLE);
    assertThat(e).hasMessageContaining("folder");

    Path device = Path.of("/dev/zero");
    if (Files.exists(device)) {
      e = catchThrowableOfType(ImageException.class, () -> reader.read(device));
      assertThat(e.kind()).isEqualTo(Kind.UNREADABLE);
    }

    Path below = Files.write(folder.resolve("file.png"), new byte[1]).resolve("child.png");
    e = catchThrowableOfType(ImageException.class, () -> reader.read(below));
    assertThat(e).isNotNull();
  }

  @Test
  void filesWithTooManyBytes() throws IOException {
    Path file = Files.write(folder.resolve("big.png"), golden("rgb.png"));
    ImageReader strict = new ImageReader(new ImageLimits(1000_000, 1000, 100));
    ImageException e = catchThrowableOfType(ImageException.class, () -> strict.read(file));
    assertThat(e.kind()).isEqualTo(Kind.TOO_LARGE);
    assertThat(e).hasMessageContaining("limit of 100");
  }

  @Test
  void namesCannotForgeLogLines() {
    ImageException e =
        catchThrowableOfType(
            ImageException.class,
            () -> reader.decode(new byte[0], "a\u001b[31m\nERROR\u202egnp.x"));
    assertThat(e.file()).isEqualTo("a\\u001b[31m\\nERROR\\u202egnp.x");
  }

  @Test
  void limitsAreChecked() {
    assertThat(catchThrowableOfType(IllegalArgumentException.class, () -> new ImageLimits(0, 1, 1)))
        .hasMessageContaining("got 0");
    assertThat(
            catchThrowableOfType(
                IllegalArgumentException.class, () -> ImageLimits.DEFAULT.withMaxPixels(1L << 40)))
        .hasMessageContaining("1099511627776");
  }
}

package org.ttame.cli.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.storage.InputFile;

/** What is served as it is: the page, what it is made of, and photographs to try. */
final class Pages {
  /** The folder of the photographs to try. */
  static final String EXAMPLES = "/examples/";

  private static final int MOST_BYTES = 4 << 20;

  private final Map<String, Asset> assets = new LinkedHashMap<>();
  private final List<String> examples = new ArrayList<>();

  /** A type and the bytes. */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  record Asset(String type, byte[] bytes) {}

  /** Reads everything, with the files to try. */
  Pages(List<Path> photographs) throws IOException {
    put("/", "index.html", "text/html; charset=utf-8");
    put("/page.css", "page.css", "text/css; charset=utf-8");
    put("/page.js", "page.js", "text/javascript; charset=utf-8");
    put("/icon.svg", "icon.svg", "image/svg+xml");
    put("/openapi.json", "openapi.json", Exchange.JSON);
    for (Path photograph : photographs) {
      try (InputStream in = InputFile.open(photograph)) {
        String path = EXAMPLES + examples.size() + ".jpg";
        assets.put(path, new Asset("image/jpeg", in.readNBytes(MOST_BYTES)));
        examples.add(path);
      }
    }
  }

  private void put(String path, String resource, String type) {
    try (InputStream in = Pages.class.getResourceAsStream(resource)) {
      assets.put(path, new Asset(type, in.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Optional<Asset> find(String path) {
    return Optional.ofNullable(assets.get(path));
  }

  /** Paths of the photographs to try. */
  List<String> examples() {
    return List.copyOf(examples);
  }
}

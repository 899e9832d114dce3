package org.ttame.eval.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.ttame.core.Text;

/**
 * A headless Chromium, driven through ChromeDriver by the W3C's WebDriver protocol: a handful of
 * JSON messages, for which no library is needed.
 */
public final class Browser implements AutoCloseable {
  private static final String DRIVER = System.getProperty("chromedriver", "/usr/bin/chromedriver");
  private static final Pattern STARTED = Pattern.compile("started successfully on port (\\d+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final Process driver;
  private final String session;

  /**
   * Starts a browser.
   *
   * @param profile an empty folder for what the browser keeps
   */
  public Browser(Path profile) throws IOException {
    if (!Files.isExecutable(Path.of(DRIVER))) {
      throw new IOException(
          Text.format(
                  "The browser tests need ChromeDriver at %s; install Debian's chromium and"
                      + " chromium-driver,",
                  DRIVER)
              + " give another place as -Dchromedriver=FILE, or leave -Pbrowser out");
    }
    driver = new ProcessBuilder(DRIVER, "--port=0").redirectErrorStream(true).start();
    String root = "http://127.0.0.1:" + port(driver.inputReader(StandardCharsets.UTF_8));
    List<String> arguments =
        List.of(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
            "--user-data-dir=" + profile);
    JsonNode answer =
        send(
            "POST",
            root + "/session",
            Map.of(
                "capabilities",
                Map.of(
                    "alwaysMatch",
                    Map.of(
                        "goog:loggingPrefs",
                        Map.of("browser", "ALL", "performance", "ALL"),
                        "goog:chromeOptions",
                        Map.of("args", arguments)))));
    session = root + "/session/" + answer.get("sessionId").asText();
  }

  /** Opens a page and waits until it is loaded. */
  public void open(Path page) throws IOException {
    open(page.toUri());
  }

  /** Opens a page and waits until it is loaded. */
  public void open(URI page) throws IOException {
    command("url", Map.of("url", page.toString()));
  }

  /** Chooses a file in a field, as its dialogue does. */
  public void choose(String selector, Path file) throws IOException {
    JsonNode field = command("element", Map.of("using", "css selector", "value", selector));
    command(
        "element/" + field.elements().next().asText() + "/value",
        Map.of("text", file.toAbsolutePath().toString()));
  }

  /** Lets files that a page saves appear in a folder. */
  public void saveTo(Path downloads) throws IOException {
    devTools(
        "Browser.setDownloadBehavior",
        Map.of("behavior", "allow", "downloadPath", downloads.toAbsolutePath().toString()));
  }

  /** Addresses that the browser has asked for since the last call, on whatever wire. */
  public List<String> requests() throws IOException {
    List<String> addresses = new ArrayList<>();
    for (JsonNode entry : command("se/log", Map.of("type", "performance"))) {
      JsonNode message = JSON.readTree(entry.get("message").asText()).get("message");
      if (message.get("method").asText().equals("Network.requestWillBeSent")) {
        addresses.add(message.at("/params/request/url").asText());
      }
    }
    return addresses;
  }

  /** Runs a function's body in the page and returns what it returns. */
  public JsonNode run(String body) throws IOException {
    return command("execute/sync", Map.of("script", body, "args", List.of()));
  }

  /** Sets the page's size in its own pixels, as a phone or a desktop has it. */
  public void size(int width, int height) throws IOException {
    devTools(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
  }

  /** Prefers light or dark colours. */
  public void scheme(String scheme) throws IOException {
    devTools(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  /** Presses a key on whatever has the focus. */
  public void press(String key) throws IOException {
    for (String type : List.of("rawKeyDown", "keyUp")) {
      devTools(
          "Input.dispatchKeyEvent",
          Map.of("type", type, "key", key, "code", key, "windowsVirtualKeyCode", code(key)));
    }
  }

  /** A picture of what is in view. */
  public void screenshot(Path file) throws IOException {
    String png = send("GET", session + "/screenshot", null).asText();
    Files.write(file, Base64.getDecoder().decode(png));
  }

  /** What the page wrote to the console since the last call, violations of its policy included. */
  public List<String> console() throws IOException {
    return StreamSupport.stream(command("se/log", Map.of("type", "browser")).spliterator(), false)
        .map(entry -> entry.get("level").asText() + " " + entry.get("message").asText())
        .toList();
  }

  @Override
  public void close() throws IOException {
    try {
      if (session != null) {
        send("DELETE", session, null);
      }
    } finally {
      driver.destroy();
    }
  }

  private JsonNode devTools(String name, Map<String, ?> parameters) throws IOException {
    return command("goog/cdp/execute", Map.of("cmd", name, "params", parameters));
  }

  private JsonNode command(String name, Map<String, ?> body) throws IOException {
    return send("POST", session + "/" + name, body);
  }

  private JsonNode send(String method, String address, Map<String, ?> body) throws IOException {
    HttpRequest.BodyPublisher content =
        body == null
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address)).method(method, content).build();
    try {
      HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
      JsonNode value = JSON.readTree(response.body()).path("value");
      if (response.statusCode() != 200) {
        throw new IOException(
            Text.format(
                "%s %s: %s", method, address, value.path("message").asText(response.body())));
      }
      return value;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while waiting for the browser", e);
    }
  }

  private static int port(BufferedReader output) throws IOException {
    List<String> said = new ArrayList<>();
    for (String line; (line = output.readLine()) != null; ) {
      said.add(line);
      Matcher started = STARTED.matcher(line);
      if (started.find()) {
        return Integer.parseInt(started.group(1));
      }
    }
    throw new IOException(DRIVER + " did not start: " + String.join("; ", said));
  }

  private static int code(String key) {
    return switch (key) {
      case "Tab" -> 9;
      case "Enter" -> 13;
      case "Escape" -> 27;
      case "ArrowLeft" -> 37;
      case "ArrowRight" -> 39;
      case "ArrowDown" -> 40;
      default -> throw new IllegalArgumentException("The tests press no key " + key);
    };
  }
}

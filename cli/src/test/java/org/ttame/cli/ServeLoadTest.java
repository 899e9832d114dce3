package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.cli.serve.Limits;
import org.ttame.core.Text;
import org.ttame.eval.bench.ResidentMemory;

/** Many clients at once, a fifth of whose requests are hostile. */
class ServeLoadTest {
  private static final int CLIENTS = 32;
  private static final int REQUESTS = 2000;
  private static final int SCENES = 16;
  private static final float ROUNDING = 1e-5f;

  /** What one round of the load may leave on the heap: counters, caches of the JVM's own. */
  private static final long HEAP_GROWTH = 16L << 20;

  @TempDir Path folder;
  private Served served;
  private final List<byte[]> scenes = new ArrayList<>();
  private final List<JsonNode> maps = new ArrayList<>();
  private final List<JsonNode> predictions = new ArrayList<>();
  private final AtomicInteger good = new AtomicInteger();
  private final AtomicInteger hostile = new AtomicInteger();

  /** What comes back on a connection of its own: status and body; status 0 where nothing does. */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  private record Answer(int status, byte[] body) {}

  @Test
  void everyGoodRequestIsAnsweredRightAndNothingIsLost(TestReporter reporter) throws Exception {
    Path run = Served.train(folder);
    Limits limits =
        new Limits(
            1 << 20,
            64L << 20,
            8 << 10,
            512,
            Duration.ofSeconds(30),
            Duration.ofSeconds(1),
            Duration.ofSeconds(5));
    try (Served server = Served.of(run, Optional.empty(), 64, limits)) {
      served = server;
      for (Path scene : Served.scenes(run, SCENES)) {
        byte[] bytes = Files.readAllBytes(scene);
        scenes.add(bytes);
        maps.add(Served.json(server.post("v1/explain?class=" + scenes.size() % 10, bytes)));
        predictions.add(Served.json(server.post("v1/predict", bytes)));
      }
      load(REQUESTS / 10, 1);
      long heap = heap();
      int threads = Thread.activeCount();
      long resident = ResidentMemory.now();
      good.set(0);
      hostile.set(0);
      load(REQUESTS, 2);
      assertThat(good.get() + hostile.get()).isEqualTo(REQUESTS);
      assertThat(hostile.get()).isEqualTo(REQUESTS / 5);
      assertThat(Thread.activeCount()).isLessThanOrEqualTo(threads + 2);
      assertThat(heap() - heap).isLessThan(HEAP_GROWTH);
      reporter.publishEntry(
          Text.format(
              "resident %d MiB before, %d after; %s",
              resident >> 20, ResidentMemory.now() >> 20, server.service.status()));
      while (server.metric("ttame_body_bytes") > 0) {
        Thread.sleep(10);
      }
      assertThat(server.metric("ttame_waiting{kind=\"short\"}")).isZero();
      assertThat(server.service.status().images()).isGreaterThan(server.service.status().batches());
      // Everything still works: no thread was lost on the way.
      assertThat(Served.json(server.post("v1/predict", scenes.get(0))).get("class"))
          .isEqualTo(predictions.get(0).get("class"));
    }
  }

  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private void load(int requests, int seed) throws Exception {
    AtomicInteger next = new AtomicInteger();
    Callable<Void> client =
        () -> {
          for (int n = next.getAndIncrement(); n < requests; n = next.getAndIncrement()) {
            if (n % 5 == 4) {
              attack(n / 5 % 5, new Random(31L * n + seed));
              hostile.incrementAndGet();
            } else {
              ask(n);
              good.incrementAndGet();
            }
          }
          return null;
        };
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    List<Future<Void>> ends = new ArrayList<>();
    for (int c = 0; c < CLIENTS; c++) {
      ends.add(clients.submit(client));
    }
    clients.shutdown();
    for (Future<Void> end : ends) {
      end.get();
    }
  }

  private void ask(int n) throws IOException {
    int scene = n % SCENES;
    boolean map = n % 2 == 0;
    String path = map ? "/v1/explain?class=" + (scene + 1) % 10 : "/v1/predict";
    Answer answer = post(path, scenes.get(scene), "");
    assertThat(answer.status()).as("%s", text(answer)).isEqualTo(200);
    JsonNode said = Served.JSON.readTree(answer.body());
    JsonNode expected = (map ? maps : predictions).get(scene);
    assertThat(said.get("class")).isEqualTo(expected.get("class"));
    assertThat(said.get("probability").asDouble())
        .isCloseTo(expected.get("probability").asDouble(), within((double) ROUNDING));
    if (map) {
      assertThat(Served.map(said)).containsExactly(Served.map(expected), within(ROUNDING));
    }
  }

  private void attack(int kind, Random random) throws Exception {
    byte[] scene = scenes.get(random.nextInt(SCENES)).clone();
    switch (kind) {
      case 0 -> { // a damaged image
        byte[] cut = Arrays.copyOf(scene, 20 + random.nextInt(scene.length / 2));
        assertThat(post("/v1/explain", cut, "").status()).isIn(400, 415);
      }
      case 1 -> // huge headers
          assertThat(post("/v1/predict", scene, "X-Long: " + "a".repeat(20_000) + "\r\n").status())
              .isIn(431, 0); // reset before it was read
      case 2 -> // a slow body, given up at last
          send("/v1/explain", scene.length, Arrays.copyOf(scene, 8), 25);
      case 3 -> // a connection that breaks in the middle
          send("/v1/explain", scene.length, Arrays.copyOf(scene, scene.length / 2), 0);
      default -> // a wrong path
          assertThat(post("/v1/" + random.nextInt() + "/../x", scene, "").status()).isIn(400, 404);
    }
  }

  /** Sends the beginning of a request, a byte at a time where it is slow, and goes away. */
  private void send(String path, int length, byte[] beginning, long pause) throws Exception {
    try (Socket socket = socket()) {
      socket.getOutputStream().write(head(path, length, ""));
      for (byte each : beginning) {
        socket.getOutputStream().write(each);
        if (pause > 0) {
          Thread.sleep(pause);
        }
      }
    } catch (SocketException e) {
      // The server may be the first to go.
    }
  }

  private Answer post(String path, byte[] body, String header) throws IOException {
    try (Socket socket = socket()) {
      socket.getOutputStream().write(head(path, body.length, header));
      socket.getOutputStream().write(body);
      byte[] all = socket.getInputStream().readAllBytes();
      String text = new String(all, StandardCharsets.ISO_8859_1);
      int end = text.indexOf("\r\n\r\n");
      return new Answer(
          Integer.parseInt(text.substring(9, 12)), Arrays.copyOfRange(all, end + 4, all.length));
    } catch (SocketException e) {
      return new Answer(0, e.toString().getBytes(StandardCharsets.UTF_8));
    }
  }

  private Socket socket() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), served.port());
  }

  private static byte[] head(String path, int length, String header) {
    return Text.format(
            "POST %s HTTP/1.1\r\n"
                + "Host: localhost\r\n"
                + "Connection: close\r\n"
                + "%sContent-Length: %d\r\n\r\n",
            path, header, length)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String text(Answer answer) {
    return new String(answer.body(), StandardCharsets.UTF_8);
  }
}

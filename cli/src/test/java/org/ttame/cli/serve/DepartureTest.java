package org.ttame.cli.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.services.PhotoService;
import org.ttame.training.sample.SampleData;

/** A client that goes at a moment that it cannot choose. */
class DepartureTest {
  @TempDir Path folder;

  /** While its photograph waits to be decoded there is nothing yet that could be cancelled. */
  @Test
  void workThatBeginsAfterItsClientHasGoneEndsAtOnce() throws Exception {
    SampleData sample = new SampleData(folder);
    byte[] scene = Files.readAllBytes(sample.images("test").path(0));
    BlockingQueue<Runnable> decoding = new LinkedBlockingQueue<>();
    ScheduledExecutorService ticking = Executors.newSingleThreadScheduledExecutor();
    CountDownLatch noticed = new CountDownLatch(1);
    Metrics metrics = new Metrics();
    Server server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    try (FrozenClassifier classifier =
            Backbones.load(sample.backbone("vgg"), BackboneOptions.defaults());
        PhotoService service = new PhotoService(classifier, endless())) {
      Api api = new Api(service, Limits.DEFAULT, metrics, decoding::add, ticking);
      server.setHandler(
          new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
              Callback ended =
                  Callback.from(
                      callback::succeeded,
                      failure -> {
                        callback.failed(failure);
                        noticed.countDown();
                      });
              api.explain(new Exchange(request, response, ended, metrics, "explain"));
              return true;
            }
          });
      server.start();
      try (Socket socket =
          new Socket(InetAddress.getLoopbackAddress(), server.getURI().getPort())) {
        socket.setSoLinger(true, 0); // its end is a reset
        String head =
            Text.format(
                "POST /?method=rise HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                    + "Content-Length: %d\r\n\r\n",
                scene.length);
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(scene);
        assertThat(socket.getInputStream().read()).isEqualTo('H'); // the stream has begun
      }
      noticed.await();
      assertThat(api.held()).isEqualTo(scene.length);
      decoding.remove().run();
      assertThat(metrics.text(service.status(), api.held())).contains("ttame_cancelled_total 1\n");
      assertThat(api.held()).isZero();
      while (service.status().busyLong() || service.status().waitingLong() > 0) {
        Thread.sleep(5);
      }
    } finally {
      ticking.shutdownNow();
      server.stop();
    }
  }

  private static PhotoService.Options endless() {
    return new PhotoService.Options(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.of(1_000_000),
        8,
        1,
        1,
        1,
        ImageLimits.DEFAULT);
  }
}

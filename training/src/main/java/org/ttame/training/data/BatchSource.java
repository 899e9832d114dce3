package org.ttame.training.data;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.SplitMix;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException;
import org.ttame.core.image.InputSpec;

/**
 * Batches of images, decoded by other threads while the caller computes on the batch before.
 *
 * <p>Step s of an epoch is the s-th run of {@code batchSize} places of that epoch's order; the last
 * one is smaller. What is in a batch, and how its images are cropped, is a function of (list, seed,
 * step): not of threads, nor of the step a run started at, nor of other images being unreadable.
 * Memory: {@code ahead + 1} batches, whatever the length of the list.
 *
 * <p>Not thread-safe.
 */
public final class BatchSource implements AutoCloseable {
  private static final long CROP = 0x4352_4F50;
  private static final AtomicInteger THREADS = new AtomicInteger();

  private final ImageList list;
  private final InputSpec spec;
  private final BatchOptions options;
  private final ImageLoader loader;
  private final EpochOrder order;
  private final Workers workers;
  private final long lastUnit;
  private final ExecutorService decoders;
  private final Deque<Pending> pending = new ArrayDeque<>();
  private final Deque<float[]> buffers = new ArrayDeque<>();

  /** Counts the batches of the workers here, over all steps. */
  private long nextToSubmit;

  /**
   * Starts decoding.
   *
   * @param spec what the classifier expects of them
   * @param options batch size, order, threads
   * @param loader reads one image
   * @param firstStep the step to begin with, counted from 0 over all epochs
   * @param endStep the step to end before
   */
  public BatchSource(
      ImageList list,
      InputSpec spec,
      BatchOptions options,
      ImageLoader loader,
      long firstStep,
      long endStep) {
    this(list, spec, options, Workers.all(1), loader, firstStep, endStep);
  }

  /**
   * Starts decoding the shares of workers: a step has a batch for each of those here, in order.
   *
   * @param spec what the classifier expects of them
   * @param options batch size of a worker, order, threads
   * @param workers among whom each step's images are shared
   * @param loader reads one image
   * @param firstStep the step to begin with, counted from 0 over all epochs
   * @param endStep the step to end before
   */
  public BatchSource(
      ImageList list,
      InputSpec spec,
      BatchOptions options,
      Workers workers,
      ImageLoader loader,
      long firstStep,
      long endStep) {
    if (firstStep < 0 || endStep < firstStep) {
      throw new IllegalArgumentException(
          Text.format("Steps %d to %d are not a range", firstStep, endStep));
    }
    this.list = list;
    this.spec = spec;
    this.options = options;
    this.loader = loader;
    this.order = new EpochOrder(list.size(), options.shuffle(), options.seed());
    this.workers = workers;
    this.lastUnit = endStep * workers.here();
    this.nextToSubmit = firstStep * workers.here();
    this.decoders =
        Executors.newFixedThreadPool(
            options.threads(),
            task -> {
              Thread thread = new Thread(task, "ttame-images-" + THREADS.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * How many batches an epoch has.
   *
   * @param images how many images there are
   * @param batchSize the most in a batch
   * @return the number, the last smaller batch included
   */
  public static long stepsPerEpoch(int images, int batchSize) {
    return (images + (long) batchSize - 1) / batchSize;
  }

  /** Whether there is another batch. */
  public boolean hasNext() {
    return !pending.isEmpty() || nextToSubmit < lastUnit;
  }

  /**
   * Waits for the next batch.
   *
   * @return it; the caller closes it
   * @throws IOException with a sentence naming the file, if one is unreadable and that is to be
   *     fatal
   * @throws NoSuchElementException if there is none
   */
  public Batch next() throws IOException {
    if (!hasNext()) {
      throw new NoSuchElementException(
          Text.format("Step %d is the last", lastUnit / workers.here() - 1));
    }
    submit();
    Batch batch = finish(pending.remove());
    submit();
    return batch;
  }

  /** Stops decoding. */
  @Override
  public void close() {
    decoders.shutdownNow();
    pending.clear();
    buffers.clear();
  }

  private void submit() {
    while (pending.size() < options.ahead() && nextToSubmit < lastUnit) {
      long step = nextToSubmit / workers.here();
      int worker = workers.first() + (int) (nextToSubmit++ % workers.here());
      int most = Math.multiplyExact(options.batchSize(), workers.count());
      long perEpoch = stepsPerEpoch(list.size(), most);
      long epoch = step / perEpoch;
      int begin = Math.toIntExact(step % perEpoch * most);
      int images = Math.min(most, list.size() - begin);
      int first = begin + workers.start(worker, images);
      int count = workers.start(worker + 1, images) - workers.start(worker, images);
      Pending batch = new Pending(step, epoch, buffer());
      for (int slot = 0; slot < count; slot++) {
        int image = order.image(epoch, first + slot);
        int offset = slot * imageLength();
        batch.images.add(image);
        batch.tasks.add(
            decoders.submit(
                () -> {
                  SplitMix random = new SplitMix(CROP, options.seed(), epoch, image);
                  loader.load(list.path(image), random, batch.values, offset);
                  return null;
                }));
      }
      pending.add(batch);
    }
  }

  private Batch finish(Pending batch) throws IOException {
    List<Integer> good = new ArrayList<>();
    List<Batch.BadImage> bad = new ArrayList<>();
    int length = imageLength();
    for (int slot = 0; slot < batch.images.size(); slot++) {
      int image = batch.images.get(slot);
      IOException failure = await(batch.tasks.get(slot));
      if (failure == null) {
        if (good.size() < slot) {
          System.arraycopy(batch.values, slot * length, batch.values, good.size() * length, length);
        }
        good.add(image);
      } else if (options.strict()) {
        throw new IOException(reason(failure), failure);
      } else {
        bad.add(new Batch.BadImage(image, list.path(image), kind(failure), reason(failure)));
      }
    }
    if (good.isEmpty()) {
      buffers.add(batch.values);
      return new Batch(batch.step, batch.epoch, good, bad, null);
    }
    int floats = good.size() * length;
    float[] exact =
        floats == batch.values.length ? batch.values : Arrays.copyOf(batch.values, floats);
    long[] shape = spec.shape(good.size());
    Batch whole = new Batch(batch.step, batch.epoch, good, bad, Nd4j.create(exact, shape, 'c'));
    buffers.add(batch.values);
    return whole;
  }

  /** Waits for an image; returns why it could not be read, or null. */
  private static IOException await(Future<?> task) throws IOException {
    try {
      task.get();
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("Interrupted while waiting for images").initCause(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        return failure;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException("The image loader failed", e.getCause());
    }
  }

  private static ImageException.Kind kind(IOException failure) {
    return failure instanceof ImageException image ? image.kind() : ImageException.Kind.UNREADABLE;
  }

  private static String reason(IOException failure) {
    return failure.getMessage() != null ? failure.getMessage() : failure.toString();
  }

  private float[] buffer() {
    float[] free = buffers.poll();
    int most = Math.min(options.batchSize(), list.size());
    return free != null ? free : new float[Math.multiplyExact(most, imageLength())];
  }

  private int imageLength() {
    return spec.values();
  }

  /** A batch being decoded: image and task of each slot, and where the values go. */
  private static final class Pending {
    final long step;
    final long epoch;
    final float[] values;
    final List<Integer> images = new ArrayList<>();
    final List<Future<?>> tasks = new ArrayList<>();

    Pending(long step, long epoch, float[] values) {
      this.step = step;
      this.epoch = epoch;
      this.values = values;
    }
  }

  /**
   * The order in which an epoch visits the images: as listed, or shuffled. A shuffled order is a
   * function of (seed, epoch) alone, so a run resumed anywhere knows the rest of it.
   */
  private static final class EpochOrder {
    private static final long SHUFFLE = 0x5348_5546;

    private final int size;
    private final boolean shuffle;
    private final long seed;
    private long cachedEpoch = -1;
    private int[] cached = {};

    EpochOrder(int size, boolean shuffle, long seed) {
      this.size = size;
      this.shuffle = shuffle;
      this.seed = seed;
    }

    /** The index in the list of the image at a place, 0 … size − 1, of an epoch, 0, 1, …. */
    int image(long epoch, int place) {
      if (!shuffle) {
        return place;
      }
      if (epoch != cachedEpoch) {
        cached = permutation(epoch);
        cachedEpoch = epoch;
      }
      return cached[place];
    }

    /** Fisher–Yates. */
    private int[] permutation(long epoch) {
      SplitMix random = new SplitMix(SHUFFLE, seed, epoch);
      int[] order = new int[size];
      for (int i = 0; i < size; i++) {
        int j = random.nextInt(i + 1);
        order[i] = order[j];
        order[j] = i;
      }
      return order;
    }
  }
}

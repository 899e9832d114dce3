package org.ttame.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskKilledException;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.BlockManager;
import org.apache.spark.storage.BroadcastBlockId;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.io.ChunkedByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException;
import org.ttame.training.StepExchange;
import org.ttame.training.StepShare;
import org.ttame.training.data.Batch;
import org.ttame.training.data.Workers;
import scala.Option;
import scala.reflect.ClassTag$;

/**
 * Adds up the shares of the workers of a barrier stage. Worker k adds up the k-th part of all
 * gradients, in worker order, and gives it to the others: each sends and receives about twice the
 * gradients, however many workers there are. All goes from executor to executor as Spark's blocks;
 * the driver only hears where they are. To be closed when all workers are done.
 */
final class BlockExchange implements StepExchange, AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Logger LOG = LoggerFactory.getLogger(BlockExchange.class);

  /** No broadcast variable of Spark's own has so large a number. */
  private static final long OURS = 1L << 60;

  private final BarrierTaskContext context;
  private final int worker;
  private final int count;
  private final long id;
  private final List<BlockId> kept = new ArrayList<>();
  private long step;

  BlockExchange(BarrierTaskContext context) {
    this.context = context;
    worker = context.partitionId();
    count = context.getTaskInfos().length;
    id = OURS + ((long) context.stageId() << 16) + context.stageAttemptNumber();
  }

  @Override
  public StepShare all(StepShare own) throws IOException {
    step++;
    List<BlockId> old = List.copyOf(kept);
    kept.clear();
    int gradients = own.gradients().length;
    float[] values = joined(own);
    for (int other = 0; other < count; other++) {
      if (other != worker && values.length > 0) {
        put(block("of", worker, other), part(values, other));
      }
    }
    put(block("share", worker, worker), text(own, values.length, gradients).getBytes(UTF_8));
    List<JsonNode> shares = new ArrayList<>();
    for (int from = 0; from < count; from++) {
      byte[] share =
          from == worker
              ? text(own, values.length, gradients).getBytes(UTF_8)
              : await(block("share", from, from));
      shares.add(JSON.readTree(new String(share, UTF_8)));
    }
    // Whoever knows of all shares knows that everybody has taken what the last step left.
    old.forEach(BlockExchange::remove);
    int length = shares.stream().mapToInt(share -> share.path("values").asInt()).max().orElse(0);
    int split = shares.stream().mapToInt(share -> share.path("gradients").asInt()).max().orElse(0);
    float[] sum = new float[0];
    for (int from = 0; from < count; from++) {
      if (shares.get(from).path("values").asInt() > 0) {
        float[] more = from == worker ? part(values, worker) : take(block("of", from, worker));
        sum = StepShare.sum(sum, more);
      }
    }
    float[] all = new float[length];
    if (length > 0) {
      put(block("sum", worker, worker), sum);
    }
    for (int from = 0; from < count && length > 0; from++) {
      float[] part = from == worker ? sum : take(block("sum", from, from));
      System.arraycopy(part, 0, all, start(from, length), part.length);
    }
    return share(shares, Arrays.copyOf(all, split), Arrays.copyOfRange(all, split, length));
  }

  private static float[] joined(StepShare own) {
    float[] gradients = own.gradients();
    float[] values = Arrays.copyOf(gradients, gradients.length + own.statistics().length);
    System.arraycopy(own.statistics(), 0, values, gradients.length, own.statistics().length);
    return values;
  }

  /** Images are shared out the same way. */
  private int start(int part, int length) {
    return Workers.all(count).start(part, length);
  }

  private float[] part(float[] values, int part) {
    return Arrays.copyOfRange(values, start(part, values.length), start(part + 1, values.length));
  }

  private BlockId block(String what, int from, int to) {
    return new BroadcastBlockId(id, Text.format("s%dx%s%dto%d", step, what, from, to));
  }

  private static BlockManager blocks() {
    return SparkEnv.get().blockManager();
  }

  private void put(BlockId block, float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
    bytes.asFloatBuffer().put(values);
    put(block, bytes.array());
  }

  private void put(BlockId block, byte[] bytes) {
    blocks()
        .putBytes(
            block,
            new ChunkedByteBuffer(ByteBuffer.wrap(bytes)),
            StorageLevel.MEMORY_AND_DISK_SER(),
            true,
            ClassTag$.MODULE$.Byte());
    kept.add(block);
  }

  private static void remove(BlockId block) {
    blocks().removeBlock(block, true);
  }

  private float[] take(BlockId block) {
    FloatBuffer values = ByteBuffer.wrap(await(block)).asFloatBuffer();
    float[] array = new float[values.remaining()];
    values.get(array);
    return array;
  }

  /**
   * Waits for what another worker puts. Spark's own barrier looks once a second whether all have
   * come; a step is to be quicker. When an executor is lost, Spark ends the tasks of the others.
   */
  private byte[] await(BlockId block) {
    for (int tries = 0; ; tries++) {
      if (context.isInterrupted()) {
        throw new TaskKilledException("another worker was lost");
      }
      try {
        Option<ChunkedByteBuffer> found = blocks().getRemoteBytes(block);
        if (found.isDefined()) {
          return found.get().toArray();
        }
        Thread.sleep(Math.min(20, 1 + tries / 50));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new TaskKilledException("interrupted");
      } catch (Exception e) { // Spark does not declare that a block could not be fetched
        LOG.warn("{} is not available yet: {}", block.name(), e.getMessage());
      }
    }
  }

  /** Frees what is left on this executor. */
  @Override
  public void close() {
    kept.forEach(BlockExchange::remove);
  }

  private static String text(StepShare own, int values, int gradients) {
    ObjectNode share = JSON.createObjectNode();
    share.put("images", own.images()).put("shares", own.shares());
    share.put("values", values).put("gradients", gradients);
    share.put("loss", own.terms().loss()).put("ce", own.terms().crossEntropy());
    share.put("area", own.terms().area()).put("variation", own.terms().variation());
    share.put("forward", own.passes().forward()).put("backward", own.passes().backward());
    ArrayNode bad = share.putArray("bad");
    for (Batch.BadImage image : own.bad()) {
      bad.addObject()
          .put("index", image.index())
          .put("file", image.file().toString())
          .put("kind", image.kind().name())
          .put("reason", image.reason());
    }
    return share.toString();
  }

  private static StepShare share(List<JsonNode> shares, float[] gradients, float[] statistics) {
    StepShare all = null;
    for (JsonNode share : shares) {
      List<Batch.BadImage> bad = new ArrayList<>();
      for (JsonNode image : share.path("bad")) {
        bad.add(
            new Batch.BadImage(
                image.path("index").asInt(),
                Path.of(image.path("file").asText()),
                ImageException.Kind.valueOf(image.path("kind").asText()),
                image.path("reason").asText()));
      }
      StepShare next =
          new StepShare(
              share.path("images").asInt(),
              share.path("shares").asInt(),
              new StepShare.Terms(
                  share.path("loss").asDouble(),
                  share.path("ce").asDouble(),
                  share.path("area").asDouble(),
                  share.path("variation").asDouble()),
              new StepShare.Passes(share.path("forward").asLong(), share.path("backward").asLong()),
              bad,
              new float[0],
              new float[0]);
      all = all == null ? next : all.plus(next);
    }
    return new StepShare(
        all.images(), all.shares(), all.terms(), all.passes(), all.bad(), gradients, statistics);
  }
}

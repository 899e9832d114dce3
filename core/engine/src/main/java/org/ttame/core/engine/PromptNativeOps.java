package org.ttame.core.engine;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu;
import org.nd4j.nativeblas.OpaqueDataBuffer;

/**
 * ND4J's processor kernels, with one difference: an array that is closed gives its memory back.
 *
 * <p>{@code INDArray.close()} ends in {@code dbClose}. In the builds with oneDNN that only forgets
 * the address; the memory comes back when the garbage collector has found the Java object and
 * ND4J's deallocator calls {@code deleteDataBuffer}. The collector sees small objects and is in no
 * hurry, so a loop that closes everything it opens still grows by hundreds of megabytes. Here
 * {@code dbClose} deletes, and the deallocator finds nothing left to do.
 *
 * <p>ND4J makes the one instance itself, by the name that {@link NativeBinary#select()} leaves in
 * the system property {@code native.ops}.
 */
public final class PromptNativeOps extends Nd4jCpu {
  /** For ND4J, by reflection. */
  public PromptNativeOps() {}

  /** Gives up the memory, then the record of it. */
  @Override
  public void dbClose(OpaqueDataBuffer buffer) {
    synchronized (buffer) {
      if (!buffer.isNull()) {
        super.dbClose(buffer);
        super.deleteDataBuffer(buffer);
        buffer.setNull();
      }
    }
  }

  /** What the deallocator's thread calls: nothing is left of a closed buffer. */
  @Override
  public void deleteDataBuffer(OpaqueDataBuffer buffer) {
    synchronized (buffer) {
      if (!buffer.isNull()) {
        super.deleteDataBuffer(buffer);
        buffer.setNull();
      }
    }
  }

  /** Null for a closed buffer, as ND4J's own is. */
  @Override
  public Pointer dbPrimaryBuffer(OpaqueDataBuffer buffer) {
    return buffer.isNull() ? null : super.dbPrimaryBuffer(buffer);
  }

  /** Null for a closed buffer, as ND4J's own is. */
  @Override
  public Pointer dbSpecialBuffer(OpaqueDataBuffer buffer) {
    return buffer.isNull() ? null : super.dbSpecialBuffer(buffer);
  }
}

package org.ttame.core.storage;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The temporary file that a file is written as, in the same folder, under a short name that the
 * target's decides.
 *
 * <p>Whoever writes it holds its lock, which the system takes back however the process ends. So the
 * next writer of the same target takes over what a killed one left, and leaves alone what a living
 * one, on this machine or another, is writing: it then takes the next name.
 */
final class PartFile implements AutoCloseable {
  /**
   * Those that this process writes: closing a second channel would give up the first one's lock.
   */
  private static final Set<Path> OURS = ConcurrentHashMap.newKeySet();

  /** Between making a file and locking it no process takes longer. */
  private static final Duration BEGINNING = Duration.ofSeconds(2);

  private final Path path;
  private final FileChannel channel;
  private boolean moved;

  private PartFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Begins a file at an absolute path in a folder that exists; closing it removes it unless it was
   * moved.
   */
  static PartFile of(Path target) throws IOException {
    byte[] name = FileNames.encode(FileNames.text(target.getFileName()));
    String start = "." + UUID.nameUUIDFromBytes(name);
    for (int n = 1; ; n++) {
      Path path = target.resolveSibling(start + (n == 1 ? "" : "-" + n) + ".part");
      if (OURS.add(path)) {
        FileChannel channel = null;
        try {
          InputFile.requireOwn(path);
          channel = claim(path);
        } finally {
          if (channel == null) {
            OURS.remove(path);
          }
        }
        if (channel != null) {
          return new PartFile(path, channel);
        }
      }
    }
  }

  /** Begins a file, or takes over one that a dead process left; null if it is a living one's. */
  private static FileChannel claim(Path path) throws IOException {
    while (true) {
      BasicFileAttributes there = attributes(path);
      if (there == null) {
        try {
          FileChannel channel =
              FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          if (lock(channel) != Lock.ANOTHERS) {
            return channel;
          }
          channel.close();
          return null;
        } catch (FileAlreadyExistsException e) {
          continue;
        }
      }
      Duration age = Duration.between(there.lastModifiedTime().toInstant(), Instant.now());
      if (age.compareTo(BEGINNING) < 0) {
        return null; // its writer may not have locked it yet
      }
      FileChannel channel;
      try {
        channel = FileChannel.open(path, StandardOpenOption.WRITE);
      } catch (NoSuchFileException e) {
        continue;
      }
      Lock lock = lock(channel);
      BasicFileAttributes still = attributes(path);
      // Its writer may have given it its name just before we had the lock: then it is the target.
      if (lock == Lock.OURS && still != null && Objects.equals(still.fileKey(), there.fileKey())) {
        channel.truncate(0);
        return channel;
      }
      channel.close();
      if (lock != Lock.OURS) {
        return null;
      }
    }
  }

  private enum Lock {
    OURS,
    ANOTHERS,
    /** The file system has none. */
    UNKNOWN
  }

  private static Lock lock(FileChannel channel) {
    try {
      return channel.tryLock() == null ? Lock.ANOTHERS : Lock.OURS;
    } catch (IOException e) {
      return Lock.UNKNOWN;
    }
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Where the bytes go. */
  FileChannel channel() {
    return channel;
  }

  /** Gives the file its name, while it is still ours. */
  void moveTo(Path target) throws IOException {
    try {
      Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(path, target, StandardCopyOption.REPLACE_EXISTING);
    }
    moved = true;
  }

  @Override
  public void close() throws IOException {
    try {
      if (!moved) {
        Files.deleteIfExists(path);
      }
      channel.close();
    } finally {
      OURS.remove(path);
    }
  }
}

package org.ttame.cli;

import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.ttame.core.Text;

/** Turns whatever was thrown into one sentence. */
final class Failures {
  private Failures() {}

  /** What went wrong, for the user. */
  static String sentence(Throwable failure) {
    if (failure instanceof UncheckedIOException && failure.getCause() != null) {
      return sentence(failure.getCause());
    }
    if (failure instanceof NoSuchFileException missing && missing.getReason() == null) {
      return Text.format("%s does not exist", missing.getFile());
    }
    if (failure instanceof AccessDeniedException denied && denied.getReason() == null) {
      return Text.format("%s may not be read or written; check its permissions", denied.getFile());
    }
    if (failure instanceof NotDirectoryException file && file.getReason() == null) {
      return Text.format("%s is not a directory", file.getFile());
    }
    if (failure instanceof FileAlreadyExistsException file && file.getReason() == null) {
      return Text.format("%s exists and is not a directory", file.getFile());
    }
    if (failure instanceof DirectoryNotEmptyException file) {
      return Text.format("%s is not empty", file.getFile());
    }
    if (failure instanceof FileSystemException file && file.getReason() != null) {
      return Text.format("%s: %s", file.getFile(), file.getReason());
    }
    if (failure instanceof CharacterCodingException) {
      return "it is not text in UTF-8";
    }
    if (failure instanceof OutOfMemoryError) {
      return Text.format(
          "out of memory (%s); give Java more with java -Xmx4g -jar …, or lower --batch-size where images are worked on",
          failure.getMessage());
    }
    String message = failure.getMessage();
    if (message == null || message.isBlank()) {
      return failure.getClass().getSimpleName() + ", without a message";
    }
    return message;
  }

  /** Whether the message was written for the user, or is a surprise worth a stack trace. */
  static boolean expected(Throwable failure) {
    return failure instanceof java.io.IOException
        || failure instanceof UncheckedIOException
        || failure instanceof IllegalArgumentException
        || failure instanceof WorkFailedException
        || failure instanceof org.ttame.core.classifier.NonFiniteException
        || failure instanceof org.ttame.training.DivergenceException
        || failure instanceof OutOfMemoryError;
  }
}

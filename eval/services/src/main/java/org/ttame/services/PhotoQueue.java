package org.ttame.services;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.ttame.core.Text;

/** What waits for {@link PhotoService}: short work and long work, each up to a number. */
final class PhotoQueue {
  private final Deque<PhotoJob> brief = new ArrayDeque<>();
  private final Deque<PhotoJob> lengthy = new ArrayDeque<>();
  private final int mostBrief;
  private final int mostLengthy;
  private boolean closed;

  PhotoQueue(int mostBrief, int mostLengthy) {
    this.mostBrief = mostBrief;
    this.mostLengthy = mostLengthy;
  }

  /** Appends; throws RejectedExecutionException saying why, if there is no room. */
  synchronized void add(PhotoJob job) {
    Deque<PhotoJob> queue = job.isLong() ? lengthy : brief;
    int most = job.isLong() ? mostLengthy : mostBrief;
    if (closed) {
      throw new RejectedExecutionException("The service is closing and takes no more work");
    }
    if (queue.size() >= most) {
      throw new RejectedExecutionException(
          Text.format(
              "%d %s are waiting already, the maximum; try again later",
              most, job.isLong() ? "explanations of many passes" : "requests"));
    }
    queue.add(job);
    notifyAll();
  }

  /** Forgets somebody who does not wait any more. */
  synchronized void remove(PhotoJob job) {
    (job.isLong() ? lengthy : brief).remove(job);
  }

  /**
   * Waits for work: one long job, which lets short work through as it goes, or else at most so many
   * short ones; nothing once the queue is closed.
   */
  synchronized List<PhotoJob> take(int most) throws InterruptedException {
    while (!closed && brief.isEmpty() && lengthy.isEmpty()) {
      wait();
    }
    PhotoJob first = lengthy.poll();
    return first == null ? poll(most) : List.of(first);
  }

  /** Short jobs that are there now, none or up to so many. */
  synchronized List<PhotoJob> poll(int most) {
    List<PhotoJob> jobs = new ArrayList<>();
    while (jobs.size() < most && !brief.isEmpty()) {
      jobs.add(brief.poll());
    }
    return jobs;
  }

  synchronized int waiting() {
    return brief.size();
  }

  synchronized int waitingLong() {
    return lengthy.size();
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Takes nothing more, and gives back what waits. */
  synchronized List<PhotoJob> close() {
    closed = true;
    List<PhotoJob> left = new ArrayList<>(brief);
    left.addAll(lengthy);
    brief.clear();
    lengthy.clear();
    notifyAll();
    return left;
  }
}

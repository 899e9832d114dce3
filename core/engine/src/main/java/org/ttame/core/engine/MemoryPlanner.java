package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Gives every array of a plan a place in one block of memory, so that arrays that never live
 * together may share it.
 *
 * <p>Greedy by size: the largest array first, each at the lowest place where it overlaps no array
 * that lives at the same time (Pisarchyk and Lee 2020, "Efficient memory management for deep neural
 * net inference", there called greedy by size for offset calculation).
 */
final class MemoryPlanner {
  /** Cache line; also what oneDNN likes its pointers aligned to. */
  static final long ALIGNMENT = 64;

  private MemoryPlanner() {}

  /**
   * Sets {@link PlanValue#offset} of each value.
   *
   * @param values roots in the plan's memory, with their life spans set
   * @return size of the block in bytes
   */
  static long place(List<PlanValue> values) {
    List<PlanValue> bySize = new ArrayList<>(values);
    bySize.sort(
        Comparator.comparingLong(PlanValue::bytes)
            .reversed()
            .thenComparingInt(value -> value.defined)
            .thenComparing(value -> value.name));
    List<PlanValue> placed = new ArrayList<>();
    long total = 0;
    for (PlanValue value : bySize) {
      long offset = 0;
      // Kept sorted by offset, so the first gap that is wide enough is the lowest.
      for (PlanValue other : placed) {
        if (!overlapInTime(value, other)) {
          continue;
        }
        if (offset + size(value) <= other.offset) {
          break;
        }
        offset = Math.max(offset, other.offset + size(other));
      }
      value.offset = offset;
      int position = 0;
      while (position < placed.size() && placed.get(position).offset <= offset) {
        position++;
      }
      placed.add(position, value);
      total = Math.max(total, offset + size(value));
    }
    return total;
  }

  static long size(PlanValue value) {
    return Math.max(1, (value.bytes() + ALIGNMENT - 1) / ALIGNMENT) * ALIGNMENT;
  }

  private static boolean overlapInTime(PlanValue a, PlanValue b) {
    return a.defined <= b.lastUsed && b.defined <= a.lastUsed;
  }
}

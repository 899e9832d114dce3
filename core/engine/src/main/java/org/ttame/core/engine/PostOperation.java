package org.ttame.core.engine;

/** What oneDNN can do to a result before it leaves the cache. */
enum PostOperation {
  /** max(x, 0). */
  RELU,

  /** x + x·erf(x), which is √2·GELU(√2·x). */
  ERF_GATE,

  /** x + y, y of the result's shape: an input of its own. */
  ADD
}

/**
 * How SameDiff graphs run fast.
 *
 * <p>{@link org.ttame.core.engine.GraphRunner#of} compiles a graph: it orders the operations once,
 * drops what nobody reads (above all gradients of frozen weights), gives every array a place in one
 * shared memory, and then calls ND4J's kernels one after the other. SameDiff's own session stays
 * the reference and runs what cannot be planned, such as control flow.
 */
package org.ttame.core.engine;

package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StackLayoutTest {
  @Test
  void denseArraysEndInNeighbours() {
    StackLayout dense = StackLayout.dense(2, 3, 5, 7);
    assertThat(dense.strides()).containsExactly(105, 35, 7, 1);
    assertThat(dense.rows()).isEqualTo(5);
    assertThat(dense.columns()).isEqualTo(7);
    assertThat(dense.length()).isEqualTo(210);
    assertThat(dense.hasDenseRows()).isTrue();
    assertThat(dense.transposed().strides()).containsExactly(105, 35, 1, 7);
    assertThat(dense.transposed().hasDenseRows()).isFalse();
  }

  /** Tokens by heads, [B, T, H, D], read as heads of tokens, [B, H, T, D], and as [B, H, D, T]. */
  @Test
  void permutingMovesNoElement() {
    StackLayout tokens = StackLayout.dense(2, 23, 3, 22);
    StackLayout heads = tokens.permuted(0, 2, 1, 3);
    assertThat(heads.shape()).containsExactly(2, 3, 23, 22);
    assertThat(heads.strides()).containsExactly(23 * 66, 22, 66, 1);
    StackLayout keys = tokens.permuted(0, 2, 3, 1);
    assertThat(keys.shape()).containsExactly(2, 3, 22, 23);
    assertThat(keys.strides()).containsExactly(heads.transposed().strides());
    assertThat(keys.before(0, 2, 3, 1).strides()).containsExactly(tokens.strides());
    assertThat(keys.before(0, 2, 3, 1).shape()).containsExactly(tokens.shape());
  }

  @Test
  void stacksMustHaveTheSameAxes() {
    StackLayout stack = StackLayout.dense(2, 3, 5, 7);
    assertThat(stack.sameStack(StackLayout.dense(2, 3, 7, 4))).isTrue();
    assertThat(stack.sameStack(StackLayout.dense(3, 2, 7, 4))).isFalse();
    assertThat(stack.sameStack(StackLayout.dense(6, 7, 4))).isFalse();
    assertThat(StackLayout.dense(5).sameStack(StackLayout.dense(5))).isFalse();
  }
}

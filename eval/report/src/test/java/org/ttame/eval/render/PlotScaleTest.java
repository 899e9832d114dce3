package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.ttame.eval.render.LinePlot.Series;
import org.ttame.eval.render.LinePlot.XAxis;
import org.ttame.eval.render.PlotScale.Tick;

class PlotScaleTest {
  private static List<String> texts(List<Tick> ticks) {
    return ticks.stream().map(Tick::text).toList();
  }

  @Test
  void roundNumbersHaveTheDigitsThatTellThemApart() {
    assertThat(texts(new PlotScale(0, 1).round()))
        .containsExactly("0", "0.2", "0.4", "0.6", "0.8", "1.0");
    assertThat(texts(new PlotScale(-5, 5).round())).containsExactly("−4", "−2", "0", "2", "4");
    assertThat(texts(new PlotScale(0, 3e9).round()))
        .containsExactly("0", "5e8", "1.0e9", "1.5e9", "2.0e9", "2.5e9", "3.0e9");
    assertThat(texts(new PlotScale(10, 90).at(10, 50, 90))).containsExactly("10", "50", "90");
  }

  @Test
  void decadesAreAllWrittenInOneWay() {
    assertThat(texts(new PlotScale(-2, 1).decades())).containsExactly("0.01", "0.1", "1", "10");
    assertThat(texts(new PlotScale(-4, 0).decades()))
        .containsExactly("1e−4", "1e−3", "1e−2", "1e−1", "1e0");
    assertThat(texts(new PlotScale(0, 1).decades())).containsExactly("1", "2", "5", "10");
    assertThat(new PlotScale(0, 0.3).decades()).extracting(Tick::text).containsExactly("1");
  }

  @Test
  void oneValueOrNoneHasAScale() {
    assertThat(PlotScale.of(DoubleStream.of(3, 3))).isEqualTo(new PlotScale(2.5, 3.5));
    assertThat(PlotScale.of(DoubleStream.of(Double.NaN))).isEqualTo(new PlotScale(0, 1));
  }

  @Test
  void whatHasNoPlaceIsRefused() {
    Series zero = Series.of("a", List.of(0.0, 1.0), List.of(1.0, 2.0));
    LinePlot logarithmic = new LinePlot("", "rate", "loss", new XAxis.Logarithmic());
    assertThatThrownBy(() -> logarithmic.add(zero))
        .hasMessage("The axis \"rate\" has no place for 0.0");
    LinePlot named = new LinePlot("", "layer", "rho", new XAxis.Named(List.of("one")));
    assertThatThrownBy(() -> named.add(zero)).hasMessageContaining("no place for 1.0");
    assertThatThrownBy(() -> new Series("a", List.of(1.0), List.of(1.0), List.of(0.0), List.of()))
        .hasMessage("A curve of 1 points cannot have intervals with 1 lower and 0 upper ends");
  }
}

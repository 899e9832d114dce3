package org.ttame.backbones.architecture;

/** A classifier of no family: its architecture is the graph it was read from. */
public non-sealed interface ImportedArchitecture extends Architecture {}

/**
 * Arm's Ethos-U65. {@link dev.meseta.drivers.ethosu.EthosuDriver} runs graphs that {@code compiler} compiled;
 * {@link dev.meseta.drivers.ethosu.EthosuOperator} runs the command streams that a model may hold. Both run on a model of the device.
 */
@NullMarked
package dev.meseta.drivers.ethosu;

import org.jspecify.annotations.NullMarked;

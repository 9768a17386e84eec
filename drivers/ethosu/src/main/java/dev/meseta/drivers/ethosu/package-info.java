/**
 * Arm's Ethos-U65. What is here runs the command streams that a model may hold, on a model of the device:
 * {@link dev.meseta.drivers.ethosu.EthosuOperator}.
 */
@NullMarked
package dev.meseta.drivers.ethosu;

import org.jspecify.annotations.NullMarked;

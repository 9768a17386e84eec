/**
 * Graphs to command streams of Ethos-U65. Shares nothing with the device
 * model but the table of commands.
 */
@NullMarked
package dev.meseta.drivers.ethosu.compiler;

import org.jspecify.annotations.NullMarked;

/**
 * Graphs to command streams of Ethos-U65. Begin with {@link dev.meseta.drivers.ethosu.compiler.GraphCompiler}. Shares nothing with the device
 * model but the table of commands.
 */
@NullMarked
package dev.meseta.drivers.ethosu.compiler;

import org.jspecify.annotations.NullMarked;

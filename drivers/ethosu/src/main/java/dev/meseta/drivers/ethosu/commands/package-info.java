/**
 * Command streams of Ethos-U65: {@link dev.meseta.drivers.ethosu.commands.Opcode} is the table of commands,
 * {@link dev.meseta.drivers.ethosu.commands.CommandStream} reads them, {@link dev.meseta.drivers.ethosu.commands.Checker} says whether a
 * stream stays inside its memory, {@link dev.meseta.drivers.ethosu.commands.Disassembler} prints it.
 */
@NullMarked
package dev.meseta.drivers.ethosu.commands;

import org.jspecify.annotations.NullMarked;

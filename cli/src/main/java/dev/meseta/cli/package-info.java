/**
 * The command {@code meseta}. {@link dev.meseta.cli.Main} is where to begin reading.
 */
@NullMarked
package dev.meseta.cli;

import org.jspecify.annotations.NullMarked;

/**
 * The kernel language: loop nests over typed buffers, their schedules and their interpreter. Of Meseta it uses the
 * op set's element types alone.
 */
@NullMarked
package dev.meseta.compiler.kernel;

import org.jspecify.annotations.NullMarked;

/**
 * The device {@code cpu}: kernels compiled for the processor at hand and run by a pool of worker threads. Knows no file
 * format and no other driver.
 */
@NullMarked
package dev.meseta.drivers.cpu;

import org.jspecify.annotations.NullMarked;

/**
 * The interface of Linux's driver for Ethos-U ({@code /dev/accel/accelN}): {@link dev.meseta.drivers.ethosu.kernel.Requests} has the requests
 * and their structures, {@link dev.meseta.drivers.ethosu.kernel.Board} makes them. Begin with the latter.
 */
@NullMarked
package dev.meseta.drivers.ethosu.kernel;

import org.jspecify.annotations.NullMarked;

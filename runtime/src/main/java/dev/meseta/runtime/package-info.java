/**
 * Executables, memory plans, queues and caches: what happens between a compiled graph and a device. Knows the driver
 * contract and no driver.
 */
@NullMarked
package dev.meseta.runtime;

import org.jspecify.annotations.NullMarked;

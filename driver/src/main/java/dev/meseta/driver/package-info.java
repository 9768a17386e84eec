/**
 * The contract between the stack and a device, and nothing else: what a driver implements and what the runtime may
 * ask of it.
 */
@NullMarked
package dev.meseta.driver;

import org.jspecify.annotations.NullMarked;

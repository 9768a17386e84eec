/**
 * What drivers of devices that run kernels have in common and a device does not decide: for those of them that use it. Knows the contract alone.
 */
@NullMarked
package dev.meseta.driver.plan;

import org.jspecify.annotations.NullMarked;

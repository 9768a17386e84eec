package dev.meseta.compiler.spirv;

/**
 * How modules are written for a device.
 *
 * @param localSize invocations of a workgroup
 * @param checking test every access against the buffer's number of elements, report a violation and skip the access
 * @param floats what is asked for of floats
 * @param dots whether there is an instruction for sums of products of four bytes
 * @param texels whether reading images is better than reading by addresses
 * @param subgroup a workgroup of so many invocations is one subgroup, which they form in order; 0 where no size is known to be
 * @param rounds rounds of loops that an invocation may take in all; {@link Long#MAX_VALUE} where there is no limit
 */
public record ShaderOptions(
        int localSize,
        boolean checking,
        FloatControls floats,
        boolean dots,
        boolean texels,
        int subgroup,
        long rounds) {}

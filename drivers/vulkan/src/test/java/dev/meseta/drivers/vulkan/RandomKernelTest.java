package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random kernels over integers and exact functions of floats: valid modules, and the same bits from the device as from the interpreter. */
class RandomKernelTest {
    private static final int KERNELS = 25;
    private static final long GRID = 5;

    private static Kernel kernel(long seed) {
        Kernel k = new RandomKernels(new Random(seed)).kernel();
        KernelVerifier.verify(k);
        return k;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void agree(long seed) {
        for (int i = 0; i < KERNELS; i++) {
            Kernel k = kernel(seed * 1000 + i);
            List<Tensor> buffers = new ArrayList<>();
            Random random = new Random(seed);
            for (Kernel.Buffer b : k.buffers()) {
                boolean out = b.access() == Kernel.Access.WRITE;
                int elements = out ? (int) GRID * RandomKernels.PER_ITERATION : RandomKernels.INPUT;
                Tensor t = Tensor.allocate(b.dtype(), Shape.of(elements));
                for (long e = 0; !out && e < t.elements(); e++) {
                    if (b.dtype().isFloat()) t.setDouble(e, random.nextInt(200) - 100 + random.nextInt(4) / 4.0);
                    else t.setLong(e, random.nextLong() >> random.nextInt(64));
                }
                buffers.add(t);
            }
            try {
                KernelRunner.compare(k, buffers, List.of(GRID), 0);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ", kernel " + i + "\n" + KernelText.of(k), e);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void areValid(boolean checking) throws IOException, InterruptedException {
        Validator validator = Validator.find();
        ShaderOptions options = new ShaderOptions(64, checking, FloatControls.ALL, true, !checking, 0, Long.MAX_VALUE);
        for (long seed = 0; seed < KERNELS; seed++) {
            Kernel k = kernel(seed);
            for (long extent : new long[] {GRID, 1L << 40}) {
                List<Long> aligned = Collections.nCopies(k.buffers().size(), Bounds.MOST_ALIGNED);
                long texels = 0;
                for (int i = 0; !checking && i < k.buffers().size(); i++)
                    if (Bounds.mayBeTexels(k, i)) texels |= 1L << i;
                Bounds bounds = Bounds.of(k, List.of(extent), aligned, texels);
                validator.check(KernelEmitter.emit(k, bounds, options), "seed " + seed, k);
            }
        }
    }
}

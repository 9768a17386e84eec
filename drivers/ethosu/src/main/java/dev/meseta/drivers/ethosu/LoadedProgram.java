package dev.meseta.drivers.ethosu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Region;
import dev.meseta.drivers.ethosu.Program.Place;
import dev.meseta.drivers.ethosu.model.StreamUse;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.TensorType;
import dev.meseta.linux.AccelDevice;
import dev.meseta.linux.EthosuRequests;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A program in the memory of a board. One job of it is under way at a time: inputs are copied to where its stream wants them, the stream is
 * submitted, and results are copied out. Its memory goes when nobody can reach it. Thread-safe.
 *
 * @param fastBytes of the fast memory that a job asks for; 0 for none
 */
record LoadedProgram(
        Program program, Resources resources, long fastBytes, List<Region> regions, List<TensorType> outputs)
        implements Executable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-ethosu").factory());
    private static final byte MARKED = 0x5a;

    /** What a program has of a board. */
    private static final class Resources implements Runnable {
        private final Board board;
        private final long stream;
        private final AccelDevice.@Nullable Memory[] memory = new AccelDevice.Memory[EthosuRequests.REGIONS];

        /** Whether a job that nobody waits for may still write to the memory. */
        private boolean abandoned;

        Resources(Board board, MemorySegment words) {
            this.board = board;
            this.stream = board.load(words);
        }

        @Override
        public void run() {
            board.unload(stream);
            for (AccelDevice.Memory m : memory) if (m != null) m.close();
        }
    }

    /** Loads a program. Throws {@link DeviceException} if the board is another one than the program is for, or has too little memory. */
    static LoadedProgram of(Board board, Program program) {
        Board.Info info = board.info();
        SealedStream sealed = SealedStream.of(program);
        long[] use = StreamUse.of(sealed.words()).bytes();
        long fast = Math.max(program.fastBytes(), use[Program.FAST]);
        if (!info.runs(program.configuration(), fast)) {
            Board.Info wanted = new Board.Info(0, program.configuration(), fast);
            throw DeviceException.unsupported("the program is for " + wanted.model() + " with " + fast
                    + " bytes of fast memory, " + board.name() + " is " + info.model() + " with " + info.fastBytes());
        }
        Resources r = new Resources(board, sealed.words());
        try {
            AccelDevice.Memory constants = board.allocate(Math.max(sealed.constantBytes(), use[Program.CONSTANTS]));
            r.memory[Program.CONSTANTS] = constants;
            MemorySegment memory = constants.segment();
            memory.copyFrom(program.constants());
            memory.asSlice(sealed.markFrom(), SealedStream.MARK_BYTES).fill(MARKED);
            r.memory[Program.MAPS] = board.allocate(Math.max(sealed.mapBytes(), use[Program.MAPS]));
        } catch (RuntimeException e) {
            r.run();
            throw e;
        }
        List<TensorType> outputs = program.outputs().stream().map(Place::type).toList();
        List<Region> regions = Region.of(
                program.inputs().stream().map(p -> p.type().bytes()).toList(),
                outputs.stream().map(TensorType::bytes).toList());
        long asked = use[Program.FAST] == 0 ? 0 : fast;
        LoadedProgram loaded = new LoadedProgram(program, r, asked, regions, outputs);
        CLEANER.register(loaded, r);
        return loaded;
    }

    @Override
    public Optional<Image> image() {
        return Optional.of(program.image());
    }

    @Override
    public String describe() {
        String summary = Timeline.of(program.stream()).summary();
        String first = "one submission of " + program.words().byteSize() / 4 + " words, " + summary + "\n";
        return first + String.join("\n", program.notes());
    }

    @Override
    public List<String> listing() {
        return program.listing();
    }

    /**
     * Runs it, and returns when it has ended.
     *
     * @param bound inputs, and memory for the results
     * @param givenUp whether nobody waits for it any more
     */
    synchronized void run(List<MemorySegment> bound, BooleanSupplier givenUp) {
        Board board = resources.board;
        AccelDevice.Memory maps = Objects.requireNonNull(resources.memory[Program.MAPS]);
        if (resources.abandoned && !board.await(maps, givenUp)) throw cancelled();
        resources.abandoned = false;
        List<Place> inputs = program.inputs();
        for (int i = 0; i < inputs.size(); i++) {
            long bytes = regions.get(i).bytes();
            MemorySegment.copy(bound.get(i), 0, maps.segment(), inputs.get(i).offset(), bytes);
        }
        MemorySegment mark = maps.segment().asSlice(Program.aligned(program.mapBytes()), SealedStream.MARK_BYTES);
        mark.fill((byte) 0);
        board.submit(resources.stream, fastBytes, resources.memory);
        if (!board.await(maps, givenUp)) {
            resources.abandoned = true;
            throw cancelled();
        }
        for (long i = 0; i < mark.byteSize(); i++) {
            if (mark.get(JAVA_BYTE, i) != MARKED) {
                throw new DeviceException(
                        DeviceException.Kind.FAILED,
                        board.name() + ": the device did not come to the end of its command stream; " + board.log());
            }
        }
        for (int i = inputs.size(); i < regions.size(); i++) {
            Place p = program.outputs().get(i - inputs.size());
            MemorySegment.copy(
                    maps.segment(), p.offset(), bound.get(i), 0, regions.get(i).bytes());
        }
        Reference.reachabilityFence(this);
    }

    private static DeviceException cancelled() {
        return new DeviceException(DeviceException.Kind.CANCELLED, "nobody waits for the job any more");
    }
}

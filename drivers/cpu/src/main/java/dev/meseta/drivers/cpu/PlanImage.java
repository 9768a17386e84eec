package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.driver.ByteForm;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Image;
import dev.meseta.driver.SlotForm;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A plan as bytes: its slots, steps and machine code. Of a kernel there remains what a run needs: its code, and the sizes of its buffers.
 * Whoever keeps images sees to it that they are whole; what can be told here of a wrong one is an {@link IllegalArgumentException}.
 */
final class PlanImage {
    /** Version of the form, and of what code and its callers agree on; to be raised with any change of either ({@code PlanFormTest} sees to it). */
    static final int FORM = 1;

    /** Steps within each other: no model comes near. */
    private static final int DEEPEST = 500;

    private static final DType[] DTYPES = DType.values();
    private static final Kernel.Access[] ACCESSES = Kernel.Access.values();

    private PlanImage() {}

    static Image of(Plan plan) {
        List<Tensor> constants = new ArrayList<>();
        byte[] program = ByteForm.write(out -> new Writer(out, plan, constants).write());
        return new Image(program, constants);
    }

    static Plan load(Image image, CodeCache kernels) {
        return ByteForm.read(image, in -> new Reader(in, image.constants(), kernels).read());
    }

    private enum StepKind {
        LAUNCHES,
        REPEAT,
        CONDITIONAL,
        REPEAT_WHILE
    }

    private static final class Writer {
        private final DataOutputStream out;
        private final Plan plan;
        private final List<Tensor> constants;
        private final Map<String, MachineCode> codes = new LinkedHashMap<>();
        private final Map<String, Integer> codeNumbers = new LinkedHashMap<>();
        private final Map<String, Integer> texts = new LinkedHashMap<>();

        Writer(DataOutputStream out, Plan plan, List<Tensor> constants) {
            this.out = out;
            this.plan = plan;
            this.constants = constants;
        }

        void write() throws IOException {
            out.writeInt(FORM);
            out.writeBoolean(plan.checking());
            out.writeLong(plan.argumentBytes());
            SlotForm.write(out, plan.commands(), constants);
            for (Step.Launch l : plan.launches()) {
                codes.putIfAbsent(l.code().symbol(), l.code());
                number(codeNumbers, l.code().symbol());
                number(texts, l.kernel().name());
                number(texts, l.origin());
            }
            ByteForm.bytes(out, plan.dispatcher().object());
            out.writeInt(codes.size());
            for (MachineCode c : codes.values()) {
                ByteForm.text(out, c.symbol());
                ByteForm.bytes(out, c.object());
            }
            out.writeInt(texts.size());
            for (String t : texts.keySet()) ByteForm.text(out, t);
            out.writeInt(plan.launches().size());
            for (Step.Launch l : plan.launches()) launch(l);
            steps(plan.steps());
        }

        /** The number of a text; the next one for a new text. */
        private static int number(Map<String, Integer> numbers, String text) {
            return numbers.computeIfAbsent(text, _ -> numbers.size());
        }

        private void steps(List<Step> steps) throws IOException {
            out.writeInt(steps.size());
            for (Step s : steps) {
                switch (s) {
                    case Step.Launches l -> {
                        out.writeByte(StepKind.LAUNCHES.ordinal());
                        out.writeInt(l.first());
                        out.writeInt(l.end());
                    }
                    case Step.Repeat r -> {
                        out.writeByte(StepKind.REPEAT.ordinal());
                        out.writeInt(r.depth());
                        out.writeLong(r.steps());
                        out.writeBoolean(r.reverse());
                        steps(r.body());
                    }
                    case Step.Conditional c -> {
                        out.writeByte(StepKind.CONDITIONAL.ordinal());
                        place(c.condition());
                        steps(c.then());
                        steps(c.otherwise());
                    }
                    case Step.RepeatWhile w -> {
                        out.writeByte(StepKind.REPEAT_WHILE.ordinal());
                        steps(w.test());
                        place(w.condition());
                        steps(w.body());
                    }
                }
            }
        }

        private void place(Step.Place p) throws IOException {
            out.writeInt(p.slot());
            out.writeLong(p.offset());
            ByteForm.longs(out, p.strides());
        }

        private void launch(Step.Launch l) throws IOException {
            out.writeInt(number(codeNumbers, l.code().symbol()));
            out.writeInt(number(texts, l.kernel().name()));
            out.writeInt(number(texts, l.origin()));
            out.writeLong(l.arguments());
            ByteForm.longs(out, l.extents().stream().mapToLong(x -> x).toArray());
            out.writeLong(l.grid());
            out.writeLong(plan.chunk(l));
            out.writeDouble(l.repetitions());
            out.writeInt(l.places().size());
            for (int i = 0; i < l.places().size(); i++) {
                Kernel.Buffer b = l.kernel().buffers().get(i);
                ByteForm.text(out, b.name());
                out.writeByte(b.dtype().ordinal());
                out.writeByte(b.access().ordinal());
                out.writeLong(Kernels.evaluate(b.elements(), l.extents()));
                place(l.places().get(i));
            }
        }
    }

    private static final class Reader {
        private final ByteBuffer in;
        private final List<Tensor> constants;
        private final CodeCache kernels;
        private final List<MachineCode> codes = new ArrayList<>();
        private final List<String> texts = new ArrayList<>();
        private final List<Step.Launch> launches = new ArrayList<>();
        private final List<Long> chunks = new ArrayList<>();
        private int slots;
        private int depth;

        Reader(ByteBuffer in, List<Tensor> constants, CodeCache kernels) {
            this.in = in;
            this.constants = constants;
            this.kernels = kernels;
        }

        Plan read() {
            int form = in.getInt();
            if (form != FORM)
                throw new IllegalArgumentException("an image of a plan has form " + form + ", not " + FORM);
            boolean checking = in.get() != 0;
            long argumentBytes = in.getLong();
            CommandList list = SlotForm.read(in, constants);
            slots = list.slots().size();
            MachineCode dispatcher = kernels.dispatcher(ByteForm.bytes(in));
            int count = ByteForm.count(in);
            for (int i = 0; i < count; i++) codes.add(kernels.take(ByteForm.text(in), ByteForm.bytes(in)));
            count = ByteForm.count(in);
            for (int i = 0; i < count; i++) texts.add(ByteForm.text(in));
            count = ByteForm.count(in);
            for (int i = 0; i < count; i++) launches.add(launch(i));
            List<Step> steps = steps();
            long[] each = chunks.stream().mapToLong(c -> c).toArray();
            return new Plan(list, steps, List.copyOf(launches), each, dispatcher, argumentBytes, checking);
        }

        private int slot() {
            int slot = in.getInt();
            if (slot < 0 || slot >= slots) throw new IllegalArgumentException("an image of a plan uses slot " + slot);
            return slot;
        }

        private List<Step> steps() {
            if (++depth > DEEPEST) throw new IllegalArgumentException("an image of a plan is nested too deeply");
            int count = ByteForm.count(in);
            List<Step> steps = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                steps.add(
                        switch (StepKind.values()[in.get()]) {
                            case LAUNCHES -> launches(in.getInt(), in.getInt());
                            case REPEAT -> new Step.Repeat(in.getInt(), in.getLong(), in.get() != 0, steps());
                            case CONDITIONAL -> new Step.Conditional(place(), steps(), steps());
                            case REPEAT_WHILE -> new Step.RepeatWhile(steps(), place(), steps());
                        });
            }
            depth--;
            return steps;
        }

        private Step.Place place() {
            return new Step.Place(slot(), in.getLong(), ByteForm.longs(in));
        }

        private Step.Launches launches(int first, int end) {
            List<Step.Launch> moving = launches.subList(first, end).stream()
                    .filter(l -> l.moving().length > 0)
                    .toList();
            return new Step.Launches(first, end, moving);
        }

        private Step.Launch launch(int number) {
            MachineCode code = codes.get(in.getInt());
            String name = texts.get(in.getInt());
            String origin = texts.get(in.getInt());
            long arguments = in.getLong();
            List<Long> extents = new ArrayList<>();
            for (long e : ByteForm.longs(in)) extents.add(e);
            long grid = in.getLong();
            chunks.add(in.getLong());
            double repetitions = in.getDouble();
            int count = ByteForm.count(in);
            List<Kernel.Buffer> buffers = new ArrayList<>(count);
            List<Step.Place> places = new ArrayList<>(count);
            List<Integer> moving = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String buffer = ByteForm.text(in);
                DType dtype = DTYPES[in.get()];
                buffers.add(new Kernel.Buffer(buffer, dtype, ACCESSES[in.get()], Kernels.index(in.getLong())));
                Step.Place place = place();
                if (place.moves()) moving.add(i);
                places.add(place);
            }
            Kernel kernel = new Kernel(name, buffers, extents.size(), Kernels.index(grid), new Stmt.Block(List.of()));
            return new Step.Launch(
                    number,
                    kernel,
                    code,
                    new ArgumentLayout(count, extents.size()),
                    arguments,
                    places,
                    extents,
                    grid,
                    repetitions,
                    moving.stream().mapToInt(x -> x).toArray(),
                    origin);
        }
    }
}

package dev.meseta.drivers.ethosu;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import dev.meseta.drivers.ethosu.compiler.Machine;
import dev.meseta.drivers.ethosu.model.ModelKernel;
import dev.meseta.drivers.ethosu.model.StreamUse;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.linux.DeviceFile;
import dev.meseta.linux.SystemCallException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The driver of Ethos-U65: boards that the kernel has, and models of them. */
public final class EthosuDriver implements Driver {
    private static final String NAME = "ethosu";
    private static final Path FILES = Path.of("/dev/accel");

    /** What a device of this kind says of itself in its register {@code ID}: architecture 1.0.6, release r0p1. */
    private static final int MODEL_ID = 0x1006_1010;

    private static final List<Device> MODELS = List.of(
            model(NAME, Machine.U65_256),
            model(NAME + ":" + Machine.U65_256.target(), Machine.U65_256),
            model(NAME + ":" + Machine.U65_512.target(), Machine.U65_512));

    /** What was found on this machine, once. */
    private record Found(List<Device> devices, String missing) {
        private static final Found HERE = search(FILES);
    }

    private static Device model(String name, Machine machine) {
        Board board = model(name, machine.configuration(), machine.fastBytes());
        return new NpuDevice(name, "a model of Arm's Ethos-U65, to the bit", machine, board);
    }

    private static Board model(String name, int configuration, long fastBytes) {
        return Board.of(name, new ModelKernel(MODEL_ID, configuration, fastBytes))
                .orElseThrow();
    }

    /** What executes a program that somebody else compiled: a board of this machine if there is one for it, or else a model. */
    static Board board(Program p) {
        long fast =
                Math.max(p.fastBytes(), StreamUse.of(SealedStream.of(p).words()).bytes()[Program.FAST]);
        if (fast > Program.LARGEST_MEMORY)
            throw new InvalidInputException("a stream uses " + fast + " bytes of fast memory");
        return Found.HERE.devices.stream()
                .map(d -> ((NpuDevice) d).board())
                .filter(b -> b.info().runs(p.configuration(), fast))
                .findFirst()
                .orElseGet(() -> model(NAME, p.configuration(), fast));
    }

    /** The boards of a folder of device files. */
    private static Found search(Path folder) {
        List<Device> devices = new ArrayList<>();
        List<String> others = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "accel*")) {
            for (Path file : files) {
                try {
                    String name = NAME + ":" + devices.size();
                    Optional<Board> board = Board.of(name, DeviceFile.open(file));
                    if (board.isEmpty()) others.add(file + " is another driver's");
                    else devices.add(NpuDevice.of(name, file.toString(), board.get()));
                } catch (SystemCallException e) {
                    boolean denied = e.errno() == SystemCallException.EACCES;
                    others.add(e.getMessage() + (denied ? "; join its group, mostly render" : ""));
                } catch (DeviceException e) {
                    others.add(String.valueOf(e.getMessage()));
                }
            }
        } catch (IOException e) {
            others.add("there is no " + folder
                    + ": the kernel drives no NPU here (Linux 6.19 and later have the module ethosu)");
        }
        String missing = String.join("; ", others) + "; --device " + NAME + " is a model of one";
        return new Found(List.copyOf(devices), devices.isEmpty() ? missing : "");
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Handshake handshake() {
        Set<String> offers = Set.of(Feature.RESULTS, Feature.SHARING);
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), offers, 0);
    }

    @Override
    public List<Device> devices() {
        return Found.HERE.devices;
    }

    @Override
    public List<Device> models() {
        return MODELS;
    }

    @Override
    public String unavailable() {
        return Found.HERE.missing;
    }
}

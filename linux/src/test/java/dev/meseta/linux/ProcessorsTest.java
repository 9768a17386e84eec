package dev.meseta.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorsTest {
    @TempDir
    Path root;

    private void file(String path, String text) throws IOException {
        Path f = root.resolve(path);
        Files.createDirectories(f.getParent());
        Files.writeString(f, text);
    }

    private int usable() {
        return new Processors(root, 64).usable();
    }

    @Test
    void withoutFilesTheJvmIsBelieved() {
        assertEquals(64, usable());
        assertEquals(Processors.DEFAULT_L1_BYTES, new Processors(root, 1).l1Bytes());
        assertEquals(Processors.DEFAULT_L2_BYTES, new Processors(root, 1).l2Bytes());
    }

    @Test
    void countsTheProcessorsThatAreAllowed() throws IOException {
        file("proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-3,8,10-11\n");
        assertEquals(7, usable());
    }

    @Test
    void whatTheJvmWasToldCounts() throws IOException {
        file("proc/self/status", "Cpus_allowed_list:\t0-7\n");
        assertEquals(3, new Processors(root, 3).usable());
        assertEquals(8, new Processors(root, 64).usable());
    }

    @Test
    void aQuotaOfVersion2RoundsUp() throws IOException {
        file("proc/self/cgroup", "0::/a/b\n");
        file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
        file("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
        assertEquals(2, usable());
    }

    @Test
    void insideAContainerTheTopGroupCounts() throws IOException {
        file("proc/self/cgroup", "0::/../../elsewhere\n");
        file("sys/fs/cgroup/cpu.max", "50000 100000\n");
        assertEquals(1, usable());
    }

    @Test
    void aQuotaOfVersion1Counts() throws IOException {
        file("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/1\n");
        file("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "320000\n");
        file("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
        file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
        assertEquals(4, usable());
    }

    @Test
    void readsCachesAndNames() throws IOException {
        String cache = "sys/devices/system/cpu/cpu0/cache/index";
        file(cache + "0/level", "1\n");
        file(cache + "0/type", "Instruction\n");
        file(cache + "0/size", "16K\n");
        file(cache + "1/level", "1\n");
        file(cache + "1/type", "Data\n");
        file(cache + "1/size", "48K\n");
        file(cache + "2/level", "2\n");
        file(cache + "2/type", "Unified\n");
        file(cache + "2/size", "2M\n");
        file("proc/cpuinfo", "processor\t: 0\nmodel name\t: Example 9000\nflags\t\t: fpu avx2 fma\n");
        Processors p = new Processors(root, 1);
        assertEquals(48 << 10, p.l1Bytes());
        assertEquals(2 << 20, p.l2Bytes());
        assertEquals("Example 9000", p.model());
        assertTrue(p.features().contains("avx2"));
    }

    @Test
    void thisMachineHasAtLeastOne() {
        assertTrue(Processors.here().usable() >= 1);
        assertTrue(Processors.here().l2Bytes() >= 4096);
    }
}

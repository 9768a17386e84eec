package dev.meseta.runtime;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The most recently used plans by what they depend on. Thread-safe: one thread makes a plan, others that need the same one wait. */
final class PlanCache {
    private final int capacity;
    private final Map<Object, Plan> plans;

    PlanCache(int capacity) {
        this.capacity = capacity;
        this.plans = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Object, Plan> eldest) {
                return size() > PlanCache.this.capacity;
            }
        };
    }

    Plan get(Object key, Supplier<Plan> make) {
        synchronized (plans) {
            Plan plan = plans.get(key);
            if (plan == null) {
                plan = make.get();
                plans.put(key, plan);
            }
            return plan;
        }
    }
}

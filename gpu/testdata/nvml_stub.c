/* A stand-in for NVIDIA's libnvidia-ml.so.1, driven by a text file.
 *
 *   gcc -shared -fPIC -pthread -o libnvidia-ml.so.1 nvml_stub.c
 *   -DOLD_DRIVER    only what a driver of about 2018 has
 *   -DNOT_NVML      no NVML function at all
 *
 * $NVML_STUB_STATE names the file; it is read anew at each call. Lines:
 *
 *   gpus N                       how many GPUs (1)
 *   total|free|reserved[@I] B    memory of GPU I, or of all
 *   utilization|temperature|clocks|events|numa[@I] N
 *   advice[@I] N                 recovery action; without it the field is unknown
 *   compute|graphics|mps I PID B a process; B may be "unavailable"
 *   xid I CODE                   an error; those there at registration are past
 *   return FUNCTION[@I] CODE     the function fails
 *   hang FUNCTION                the function never returns
 *   crash FUNCTION               the function accesses a null pointer
 *
 * $NVML_STUB_TOLD may name a pipe that hears of each registration for events.
 *
 * Struct layouts and codes are NVML's public ABI. What Clawgate does not call
 * is left out, as a missing function ends the process that calls it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NOT_NVML

typedef unsigned long long u64;
typedef struct { int number; } gpu;
typedef struct { u64 total, free, used; } memory_v1;
typedef struct { unsigned version; u64 total, reserved, free, used; } memory_v2;
typedef struct { unsigned pid; u64 bytes; } process_v1;
typedef struct { unsigned pid; u64 bytes; unsigned gpu_instance, compute_instance; } process_v3;
typedef struct { unsigned gpu, memory; } utilization;
typedef struct { gpu *device; u64 type, data; unsigned gpu_instance, compute_instance; } event;
typedef struct { unsigned id, scope; long long at, took; unsigned type; int code; union { unsigned number; u64 wide; } value; } field;

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, TIMEOUT = 10 };
enum { XID_EVENT = 8, MOST_GPUS = 16, RECOVERY_ACTION = 230, UNSIGNED_INT = 1 };

static gpu gpus[MOST_GPUS];

static FILE *state(void) {
    const char *path = getenv("NVML_STUB_STATE");
    return path ? fopen(path, "r") : NULL;
}

/* find reads the value of "key@number", or else of "key". */
static u64 find(const char *key, int number, u64 fallback) {
    FILE *file = state();
    char line[256], have[96], own[96];
    u64 value, general = fallback, special = 0;
    int is_special = 0;
    if (!file) return fallback;
    snprintf(own, sizeof own, "%s@%d", key, number);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%95s %llu", have, &value) != 2) continue;
        if (!strcmp(have, key)) general = value;
        if (!strcmp(have, own)) { special = value; is_special = 1; }
    }
    fclose(file);
    return is_special ? special : general;
}

/* fault does what the file wants the function to suffer, and returns its code. */
static int fault(const char *function, int number) {
    FILE *file = state();
    char line[256], what[32], name[96], own[96];
    int code, result = SUCCESS, hang = 0, crash = 0;
    if (!file) return SUCCESS;
    snprintf(own, sizeof own, "%s@%d", function, number);
    while (fgets(line, sizeof line, file)) {
        code = 0;
        if (sscanf(line, "%31s %95s %d", what, name, &code) < 2) continue;
        if (strcmp(name, function) && strcmp(name, own)) continue;
        if (!strcmp(what, "return")) result = code;
        if (!strcmp(what, "hang")) hang = 1;
        if (!strcmp(what, "crash")) crash = 1;
    }
    fclose(file);
    if (crash) *(volatile int *)NULL = 1;
    while (hang) pause();
    return result;
}

/* list fills in the processes of one kind on one GPU. */
static int list(const char *kind, gpu *device, unsigned *count, process_v3 *out) {
    FILE *file = state();
    char line[256], have[32], bytes[32];
    unsigned pid, found = 0;
    int number;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%31s %d %u %31s", have, &number, &pid, bytes) != 4) continue;
        if (strcmp(have, kind) || number != device->number) continue;
        if (found < *count) {
            u64 held = strcmp(bytes, "unavailable") ? strtoull(bytes, NULL, 10) : ~0ULL;
            out[found] = (process_v3){pid, held, ~0u, ~0u};
        }
        found++;
    }
    if (file) fclose(file);
    int fits = found <= *count;
    *count = found;
    return fits ? SUCCESS : INSUFFICIENT_SIZE;
}

/* xid returns the number of the GPU's errors so far, and the code of the n-th. */
static unsigned xid(gpu *device, unsigned n, u64 *code) {
    FILE *file = state();
    char line[256];
    unsigned found = 0;
    int number;
    u64 value;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "xid %d %llu", &number, &value) == 2 && number == device->number)
            if (found++ == n) *code = value;
    if (file) fclose(file);
    return found;
}

#define SUFFER(device) do { int code = fault(__func__, device); if (code) return code; } while (0)

int nvmlInit_v2(void) { SUFFER(-1); return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "stub"; }

int nvmlSystemGetDriverVersion(char *text, unsigned room) {
    SUFFER(-1);
    snprintf(text, room, "570.00.00");
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    SUFFER(-1);
    *count = find("gpus", -1, 1);
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, gpu **device) {
    SUFFER((int)index);
    gpus[index].number = index;
    *device = &gpus[index];
    return SUCCESS;
}

int nvmlDeviceGetName(gpu *device, char *text, unsigned room) {
    SUFFER(device->number);
    snprintf(text, room, "Stub GPU %d", device->number);
    return SUCCESS;
}

int nvmlDeviceGetUUID(gpu *device, char *text, unsigned room) {
    SUFFER(device->number);
    snprintf(text, room, "GPU-%08x-0000-0000-0000-000000000000", device->number);
    return SUCCESS;
}

static u64 total(gpu *device) { return find("total", device->number, 24ULL << 30); }

int nvmlDeviceGetMemoryInfo(gpu *device, memory_v1 *memory) {
    SUFFER(device->number);
    memory->total = total(device);
    memory->free = find("free", device->number, memory->total);
    memory->used = memory->total - memory->free;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(gpu *device, utilization *rates) {
    SUFFER(device->number);
    rates->gpu = find("utilization", device->number, 0);
    rates->memory = 0;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(gpu *device, int sensor, unsigned *celsius) {
    SUFFER(device->number);
    (void)sensor;
    *celsius = find("temperature", device->number, 40);
    return SUCCESS;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(gpu *device, u64 *reasons) {
    SUFFER(device->number);
    *reasons = find("clocks", device->number, 1);
    return SUCCESS;
}

#ifdef OLD_DRIVER

int nvmlDeviceGetComputeRunningProcesses(gpu *device, unsigned *count, process_v1 *out) {
    SUFFER(device->number);
    unsigned room = *count;
    process_v3 *found = calloc(room + 1, sizeof *found);
    int code = list("compute", device, count, found);
    for (unsigned i = 0; i < room && i < *count; i++) out[i] = (process_v1){found[i].pid, found[i].bytes};
    free(found);
    return code;
}

#else

int nvmlDeviceGetMemoryInfo_v2(gpu *device, memory_v2 *memory) {
    SUFFER(device->number);
    memory->total = total(device);
    memory->reserved = find("reserved", device->number, 0);
    memory->free = find("free", device->number, memory->total - memory->reserved);
    memory->used = 0; /* drivers disagree about it, so nobody may rely on it */
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(gpu *device, unsigned *count, process_v3 *out) {
    SUFFER(device->number);
    return list("compute", device, count, out);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(gpu *device, unsigned *count, process_v3 *out) {
    SUFFER(device->number);
    return list("graphics", device, count, out);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(gpu *device, unsigned *count, process_v3 *out) {
    SUFFER(device->number);
    return list("mps", device, count, out);
}

int nvmlDeviceGetCurrentClocksEventReasons(gpu *device, u64 *reasons) {
    SUFFER(device->number);
    *reasons = find("clocks", device->number, 1);
    return SUCCESS;
}

int nvmlDeviceGetNumaNodeId(gpu *device, unsigned *node) {
    SUFFER(device->number);
    *node = find("numa", device->number, ~0u);
    return *node == ~0u ? NOT_SUPPORTED : SUCCESS;
}

int nvmlDeviceGetFieldValues(gpu *device, int count, field *fields) {
    SUFFER(device->number);
    for (int i = 0; i < count; i++) {
        u64 advice = find("advice", device->number, ~0ULL);
        int known = fields[i].id == RECOVERY_ACTION && advice != ~0ULL;
        fields[i].code = known ? fault("recovery_action", device->number) : INVALID_ARGUMENT;
        fields[i].type = UNSIGNED_INT;
        fields[i].value.number = known ? advice : 77; /* undefined without success */
    }
    return SUCCESS;
}

/* tell writes to the named pipe $NVML_STUB_TOLD, if there is one, and waits for
 * its reader. */
static void tell(const char *what) {
    const char *path = getenv("NVML_STUB_TOLD");
    FILE *pipe = path ? fopen(path, "w") : NULL;
    if (!pipe) return;
    fputs(what, pipe);
    fclose(pipe);
}

/* One event set watches one GPU here, as Clawgate makes them. */
typedef struct { gpu *device; unsigned seen; } event_set;

int nvmlEventSetCreate(event_set **set) {
    SUFFER(-1);
    *set = calloc(1, sizeof **set);
    return SUCCESS;
}

int nvmlEventSetFree(event_set *set) {
    free(set);
    return SUCCESS;
}

int nvmlDeviceGetSupportedEventTypes(gpu *device, u64 *types) {
    SUFFER(device->number);
    *types = find("events", device->number, XID_EVENT);
    return SUCCESS;
}

int nvmlDeviceRegisterEvents(gpu *device, u64 types, event_set *set) {
    u64 none;
    SUFFER(device->number);
    if (types & ~find("events", device->number, XID_EVENT)) return NOT_SUPPORTED;
    set->device = device;
    set->seen = xid(device, ~0u, &none);
    tell("registered\n");
    return SUCCESS;
}

int nvmlEventSetWait_v2(event_set *set, event *out, unsigned milliseconds) {
    for (unsigned waited = 0; waited <= milliseconds; waited += 5) {
        u64 code;
        SUFFER(set->device->number);
        if (xid(set->device, set->seen, &code) > set->seen) {
            set->seen++;
            *out = (event){set->device, XID_EVENT, code, ~0u, ~0u};
            return SUCCESS;
        }
        usleep(5000);
    }
    return TIMEOUT;
}

#endif
#endif

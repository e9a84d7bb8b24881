# vitrine-bridge: the project's own CNI plugin. The only part that reads JSON (docs/decisions/0006).
# It has a directory of its own, which can stand among the plugin directories of a runtime.
CNI_OBJECTS := $(patsubst cni/%.c,$(BUILD)/cni-objects/%.o,$(wildcard cni/*.c))
TARGETS += $(BUILD)/cni/vitrine-bridge

$(BUILD)/cni-objects/%.o: cni/%.c $(wildcard cni/*.h) cni/rules.mk $(STATIC_STAMP)
	@mkdir -p $(@D)
	$(STATIC_CC) $(CPPFLAGS) -Icni $(CFLAGS) $(STATIC_CFLAGS) -c -o $@ $<

$(BUILD)/cni/vitrine-bridge: $(CNI_OBJECTS)
	@mkdir -p $(@D)
	$(STATIC_CC) $(CFLAGS) -o $@ $^ $(STATIC_LDFLAGS)

CNI_TEST_SOURCES := cni/test/json-test.c cni/json-read.c cni/json-value.c
NATIVE_TESTS += $(BUILD)/json-test
$(BUILD)/json-test: $(CNI_TEST_SOURCES) cni/json-read.h | $(BUILD)
	$(CC) $(CPPFLAGS) -std=gnu11 -O1 -g $(WARNINGS) $(SANITIZERS) -o $@ $(CNI_TEST_SOURCES)

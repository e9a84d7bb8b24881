# vitrine-unpack: writes an image layer's entries into a directory, confined to it.
UNPACK_OBJECTS := $(patsubst unpack/%.c,$(BUILD)/unpack/%.o,$(wildcard unpack/*.c))
TARGETS += $(BUILD)/vitrine-unpack

$(BUILD)/unpack/%.o: unpack/%.c $(wildcard unpack/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Iunpack $(CFLAGS) $(STATIC_CFLAGS) -c -o $@ $<

$(BUILD)/vitrine-unpack: $(UNPACK_OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ $(STATIC_LDFLAGS)

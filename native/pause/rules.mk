# What the images that come with the program consist of: the pause container and the demo.
TARGETS += $(BUILD)/vitrine-pause $(BUILD)/vitrine-demo

# No libc at all, so no stack protector and no start files either; sections packed into one page.
PAUSE_FLAGS := -std=gnu11 -Os $(WARNINGS) -fno-common -ffreestanding -nostdlib -static -fno-pie -no-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fomit-frame-pointer \
	-Wl,-z,noexecstack -Wl,-z,norelro -Wl,--build-id=none -Wl,-n -s

$(BUILD)/vitrine-pause: pause/pause.c | $(BUILD)
	$(CC) $(PAUSE_FLAGS) -o $@ $<

$(BUILD)/vitrine-demo: pause/demo.c | $(BUILD)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(STATIC_CFLAGS) -o $@ $< $(STATIC_LDFLAGS) -s -Wl,--build-id=none

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksft.h"
#include "v4l2.h"
#include "step.h"

int step_open(const struct vbm_step_config *config)
{
	int step = open("/dev/vbm-step", O_RDWR | O_CLOEXEC);

	if (step < 0)
		FAIL("/dev/vbm-step: %s", ksft_errno(errno));
	CHECK_OK(xioctl(step, VBM_STEP_IOC_CONFIG, (void *)config));
	return step;
}

static void step_reqbufs(int step, struct vbm_step_reqbufs req)
{
	CHECK_OK(xioctl(step, VBM_STEP_IOC_REQBUFS, &req));
}

void step_buffers(int step, unsigned int count)
{
	step_reqbufs(step, (struct vbm_step_reqbufs){ .count = count });
}

void step_buffers_non_coherent(int step, unsigned int count)
{
	step_reqbufs(step, (struct vbm_step_reqbufs){
		.count = count, .non_coherent = 1,
	});
}

void step_imports(int step, unsigned int count)
{
	step_reqbufs(step, (struct vbm_step_reqbufs){
		.count = count, .imports = 1,
	});
}

void step_release(int step)
{
	step_reqbufs(step, (struct vbm_step_reqbufs){ 0 });
}

static struct vbm_step_plane step_plane(int step, unsigned int index,
					unsigned int plane)
{
	struct vbm_step_plane req = { .index = index, .plane = plane };

	CHECK_OK(xioctl(step, VBM_STEP_IOC_EXPORT, &req));
	return req;
}

int step_export(int step, unsigned int index, unsigned int plane)
{
	return step_plane(step, index, plane).fd;
}

void step_frames(int step, const void *p, unsigned long long *frames,
		 unsigned int nr)
{
	struct vbm_step_frames req = {
		.addr = (unsigned long)p, .frames = (unsigned long)frames,
		.nr = nr,
	};

	CHECK_OK(xioctl(step, VBM_STEP_IOC_FRAMES, &req));
}

void *step_mmap(int step, unsigned int index, unsigned int plane, size_t size)
{
	struct vbm_step_plane req = step_plane(step, index, plane);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, step,
		       req.offset);

	if (p == MAP_FAILED)
		FAIL("mmap of a buffer: %s", ksft_errno(errno));
	close(req.fd);
	return p;
}

int step_begin(int step, const struct vbm_step_begin *begin)
{
	return xioctl(step, VBM_STEP_IOC_BEGIN, (void *)begin);
}

int step_prepare(int step, const struct vbm_step_begin *begin)
{
	return xioctl(step, VBM_STEP_IOC_PREPARE, (void *)begin);
}

int step_remove(int step, unsigned int index)
{
	return xioctl(step, VBM_STEP_IOC_REMOVE, &index);
}

int step_begin_fd(int step, unsigned int index, int fd)
{
	struct vbm_step_begin begin = { .index = index, .fd = { fd, -1 } };

	return step_begin(step, &begin);
}

int step_done(int step, unsigned int index)
{
	return xioctl(step, VBM_STEP_IOC_DONE, &index);
}

int step_stop(int step)
{
	return xioctl(step, VBM_STEP_IOC_STOP, NULL);
}

static int step_io(int step, struct vbm_step_io io)
{
	return xioctl(step, VBM_STEP_IOC_IO, &io);
}

int step_read(int step, unsigned int index, unsigned int plane, size_t offset,
	      void *data, size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .plane = plane, .offset = offset,
		.length = length, .data = (unsigned long)data,
	});
}

int step_write(int step, unsigned int index, unsigned int plane, size_t offset,
	       const void *data, size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .plane = plane, .write = 1, .offset = offset,
		.length = length, .data = (unsigned long)data,
	});
}

int step_reference(int step, unsigned int index, void *data, size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .length = length, .reference = 1,
		.data = (unsigned long)data,
	});
}

int step_reference_write(int step, unsigned int index, const void *data,
			 size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .length = length, .reference = 1, .write = 1,
		.data = (unsigned long)data,
	});
}

int step_vread(int step, unsigned int index, size_t offset, void *data,
	       size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .cpu = 1, .offset = offset, .length = length,
		.data = (unsigned long)data,
	});
}

int step_vread_atomic(int step, unsigned int index, size_t offset, void *data,
		      size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .cpu = 2, .offset = offset, .length = length,
		.data = (unsigned long)data,
	});
}

int step_vwrite(int step, unsigned int index, size_t offset, const void *data,
		size_t length)
{
	return step_io(step, (struct vbm_step_io){
		.index = index, .cpu = 1, .write = 1, .offset = offset,
		.length = length, .data = (unsigned long)data,
	});
}

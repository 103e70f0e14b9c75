int b(void);
int b(void)
{
	return (int)alloca (0);
}
